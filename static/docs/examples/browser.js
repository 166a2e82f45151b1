// A small client for browsers, without any library: it sends camera and microphone through the server, and shows and
// plays what the others send. Served by the server itself, as pages of other origins must be allowed (allow-origin).
const asked = new URLSearchParams(location.search);
const address = new URL('../../ws', location.href);
address.protocol = address.protocol.replace('http', 'ws');
const socket = new WebSocket(address, 'meeting.v1');
const unanswered = new Map(); // by request id
let lastId = 0;

// --- requests, answers, events --------------------------------------------------------------------------------------
function request(type, data = {}) {
  const id = ++lastId;
  socket.send(JSON.stringify({ type, id, data }));
  return new Promise((resolve, reject) => unanswered.set(id, { resolve, reject }));
}

socket.addEventListener('message', ({ data: text }) => {
  const { type, re, data, error } = JSON.parse(text);
  if (type === 'hello') return void enter().catch(say);
  if (type !== 'ok' && type !== 'error') return void events[type]?.(data);
  const { resolve, reject } = unanswered.get(re) ?? {};
  unanswered.delete(re);
  if (type === 'ok') resolve?.(data);
  else reject?.(error);
});
socket.addEventListener('close', ({ code, reason }) => say(`closed: ${code} ${reason}`));

const events = {
  'media.slots': ({ slots }) => slots.forEach(carry),
  'media.offer': (offer) => answerDown(offer).catch(say),
  'media.failed': () => Promise.all([publish(), receive()]).catch(say),
  'lobby.admitted': () => start().catch(say),
};

async function enter() {
  await request('auth.guest', { display_name: asked.get('name') ?? 'Guest' });
  try {
    await request('room.join', { identity: asked.get('room') });
  } catch (error) {
    if (error.code !== 'room.waiting') throw error;
    return say('waiting to be let in');
  }
  await start();
}

async function start() {
  // Both ways at once: neither waits for the other.
  await Promise.all([publish(), receive()]);
  say('in the meeting');
}

// --- up: the client offers and sends --------------------------------------------------------------------------------
let up = null;
let media = null;
let revision = 0;

async function publish() {
  media ??= await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
  up?.close();
  up = new RTCPeerConnection();
  // One send-only m-line for each source. To switch a source later, use sender.replaceTrack: no new offer is needed.
  const lines = [['microphone', media.getAudioTracks()[0]], ['camera', media.getVideoTracks()[0]]]
    .map(([source, track]) => [source, up.addTransceiver(track, { direction: 'sendonly' })]);
  await up.setLocalDescription();
  const sources = lines.map(([source, { mid }]) => ({ mid, source }));
  const { sdp } = await request('media.publish', { revision: ++revision, sdp: up.localDescription.sdp, sources });
  await up.setRemoteDescription({ type: 'answer', sdp });
  for (const { source } of sources) await request('media.source', { source, active: true });
}

// --- down: the server offers, the client receives -------------------------------------------------------------------
let down = null;
const players = new Map(); // by mid: a slot is an m-line that carries now this track, now that

async function receive() {
  down?.close();
  players.forEach((player) => player.remove());
  players.clear();
  down = new RTCPeerConnection();
  down.addEventListener('track', ({ track, transceiver }) => {
    const player = document.createElement(track.kind);
    Object.assign(player, { srcObject: new MediaStream([track]), autoplay: true, playsInline: true, hidden: true });
    players.set(transceiver.mid, player);
    document.querySelector('#pictures').append(player);
  });
  await answerDown(await request('media.receive', { audio_slots: 4, video_slots: 4 }));
}

async function answerDown({ revision: offered, sdp, slots }) {
  await down.setRemoteDescription({ type: 'offer', sdp });
  slots.forEach(carry);
  await down.setLocalDescription();
  await request('media.answer', { revision: offered, sdp: down.localDescription.sdp });
}

// Shows a slot while it carries something. `media.slots` may come before the connection is up.
function carry({ mid, track }) {
  const player = players.get(mid);
  if (player) player.hidden = track === null;
}

function say(words) {
  document.querySelector('#state').textContent = words.code ? `${words.code}: ${words.message}` : String(words);
}
