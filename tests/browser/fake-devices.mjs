/** Devices that a test plugs in and out, over the ones that the browser fakes. */

/**
 * Runs in the page before anything else. Afterwards the page has
 *
 * - `plugs`: what is there, a list of `{kind, deviceId, label}`; the first of a kind is the system's choice
 * - `plug(kind, deviceId, label)` and `unplug(deviceId)`, and `changed()`, by which the page hears of it as of real ones
 * - `voice`: how loud what the microphones hear is, from 0 to 1
 * - `refuse`: the name and message of the error that getUserMedia answers, by kind; also under `refuse` in the
 *   session's storage, for the time before the first script
 * - `opened`: the ids of the devices that were opened, in order
 * - `blurs`: for cameras whose browser can blur, what is offered and what is on; also under `blurs` in that storage
 * - `routed`: where elements play, a list of the ids that setSinkId was called with and that were there
 */
export function fakeDevices() {
  const { mediaDevices } = navigator;
  const own = mediaDevices.getUserMedia.bind(mediaDevices);
  const device = (kind, deviceId, label) => ({ kind, deviceId, label, groupId: '' });
  globalThis.plugs = [
    device('audioinput', 'desk', 'Desk microphone'),
    device('videoinput', 'lid', 'Lid camera'),
    device('audiooutput', 'box', 'Loudspeaker'),
  ];
  globalThis.opened = [];
  globalThis.voice = 0.3;
  globalThis.blurs = JSON.parse(sessionStorage.getItem('blurs') ?? 'null');
  globalThis.routed = [];
  globalThis.refuse = JSON.parse(sessionStorage.getItem('refuse') ?? '{}');
  /** @type {MediaStreamTrack[]} */
  const tracks = [];

  globalThis.plug = (kind, deviceId, label) => {
    globalThis.plugs.push(device(kind, deviceId, label));
  };
  globalThis.unplug = (deviceId) => {
    globalThis.plugs = globalThis.plugs.filter((one) => one.deviceId !== deviceId);
    for (const track of tracks.filter((one) => one.device === deviceId && one.readyState === 'live')) {
      track.stop();
      track.dispatchEvent(new Event('ended'));
    }
  };
  globalThis.changed = () => mediaDevices.dispatchEvent(new Event('devicechange'));
  mediaDevices.enumerateDevices = async () => globalThis.plugs.map((one) => ({ ...one }));

  /** @param {string} kind @param {any} constraints */
  function find(kind, constraints) {
    const refusal = globalThis.refuse[kind];
    if (refusal) throw new DOMException(refusal.message ?? 'no', refusal.name);
    const there = globalThis.plugs.filter((one) => one.kind === kind);
    if (there.length === 0) throw new DOMException('none', 'NotFoundError');
    const exact = constraints.deviceId?.exact;
    const found = exact === undefined ? there[0] : there.find((one) => one.deviceId === exact);
    if (!found) throw new DOMException('no such device', 'OverconstrainedError');
    return found;
  }

  /** @param {MediaStreamTrack} track @param {{deviceId: string, label: string}} device */
  function name(track, { deviceId, label }) {
    const settings = track.getSettings.bind(track);
    Object.defineProperty(track, 'label', { value: label });
    track.device = deviceId;
    track.getSettings = () => ({ ...settings(), deviceId, ...(globalThis.blurs ? { backgroundBlur: globalThis.blurs.on } : {}) });
    track.getCapabilities = () => (globalThis.blurs ? { backgroundBlur: globalThis.blurs.offered } : {});
    const apply = track.applyConstraints.bind(track);
    track.applyConstraints = async ({ backgroundBlur, ...rest }) => {
      if (backgroundBlur !== undefined) globalThis.blurs.on = backgroundBlur;
      await apply(rest);
    };
    globalThis.opened.push(deviceId);
    tracks.push(track);
    return track;
  }

  /** A voice of that loudness. */
  function hear() {
    const context = new AudioContext();
    const tone = context.createOscillator();
    const loudness = context.createGain();
    const way = context.createMediaStreamDestination();
    tone.connect(loudness).connect(way);
    tone.start();
    void context.resume();
    setInterval(() => (loudness.gain.value = globalThis.voice), 50);
    loudness.gain.value = globalThis.voice;
    return way.stream.getAudioTracks()[0];
  }

  mediaDevices.getUserMedia = async ({ audio, video }) => {
    const microphone = audio ? find('audioinput', audio) : null;
    const camera = video ? find('videoinput', video) : null;
    const stream = new MediaStream();
    if (microphone) stream.addTrack(name(hear(), microphone));
    if (camera) stream.addTrack(name((await own({ video: true })).getVideoTracks()[0], camera));
    return stream;
  };

  const sinks = new WeakMap();
  Object.defineProperty(HTMLMediaElement.prototype, 'sinkId', { get() { return sinks.get(this) ?? ''; } });
  HTMLMediaElement.prototype.setSinkId = async function (id) {
    const there = globalThis.plugs.some((one) => one.kind === 'audiooutput' && one.deviceId === id);
    if (id !== '' && !there) throw new DOMException('no such device', 'NotFoundError');
    sinks.set(this, id);
    globalThis.routed.push(id);
  };
}
