/**
 * A browser's first connection of a page takes longer than the next ones: threads start, codecs are asked what they
 * can do. Doing that while somebody still looks at the preview takes it off the way from Join to the first picture.
 */

let done = false;

export async function warmUp() {
  if (done || !('RTCPeerConnection' in globalThis)) return;
  done = true;
  const connection = new RTCPeerConnection();
  try {
    connection.addTransceiver('audio');
    connection.addTransceiver('video');
    await connection.createOffer();
  } catch {
    // Whatever is wrong will be said when the meeting begins.
  } finally {
    connection.close();
  }
}
