/**
 * The Meeting client: everything a page, a bot or a test needs to take part, without any DOM.
 *
 * It uses only `WebSocket`, `RTCPeerConnection`, timers and a small storage object, and takes each of them
 * through constructor options, so that it also runs in Node.js 20 (with the `ws` package; without media).
 *
 * ```js
 * import { Session, createCall } from '/js/client/index.js';
 *
 * // 1. A session. `storage` keeps the token; anything with getItem, setItem and removeItem will do. `tabStorage` keeps the
 * // session for a reload; leave it out where a duplicated tab could have a copy of it (see flow/tab.js).
 * const url = `${location.origin.replace('http', 'ws')}/ws`;
 * const session = new Session(url, { storage: localStorage, tabStorage: sessionStorage });
 * session.on('state', ({ state, code, attempt, retryAt, resumed }) => {}); // connecting | online | reconnecting | closed
 * session.on('silence', ({ silent }) => {});             // the socket is open, but nothing answers; and when it does again
 * addEventListener('online', () => session.wake());      // and on visibilitychange: do not wait for the next attempt
 * const user = await session.connect({ room: identity }); // User, or null: nobody is signed in yet. After a reload in this
 *                                                        // room: the session goes on, and joinRoom answers at once
 * if (!user) await session.guest({ display_name: 'Ada' }); // or login / register / withToken
 *
 * // 2. A room. `joined` comes after every join, also when a lost socket came back by itself and the reply takes the place
 * // of all that was known of the room. Mostly nothing was missed, and it does not come.
 * session.on('joined', (reply, { again, same }) => {});  // Joined; same: as the participant that one was
 * session.on('rejoin.waiting', ({ retryAt, code }) => {}); // back online; the room is late, and is asked again by itself
 * session.on('rejoin.failed', (error) => {});            // back online, but the room is closed to us
 * const reply = await session.joinRoom({ identity });
 * session.on('participant.joined', ({ participant }) => {}); // every event of the wire, by its type
 * session.on('*', (data, { type }) => {});
 *
 * // 3. Media. Make the call in the same turn as the reply, so that no event is missed.
 * const call = createCall(session, reply);               // Call (sfu) or PeerCall (p2p): same interface
 * call.on('slot', ({ mid, kind, track, mediaTrack, participant }) => {
 *   // A remote track appeared on slot `mid` (both set), or went away (both null).
 *   // A slot may turn from one track to another: put `mediaTrack` where `track` belongs.
 *   // participant is the sender's id in p2p rooms and null in sfu rooms (the roster tells by track id).
 *   if (mediaTrack) video.srcObject = new MediaStream([mediaTrack]);
 * });
 * call.on('reason', ({ mid, layer, reason }) => {});      // sfu: how it comes; 'bandwidth' = this line is too narrow for
 *                                                        // more, 'sender' = no more is sent; null = as asked for
 * call.on('source', ({ source, active, muted, reason }) => {}); // own source: reason 'ended' = screen share
 *                                                        // stopped in the browser, device pulled; 'server' = muted
 * call.on('refused', ({ source, error }) => {});         // the server does not take the source; it is off again
 * call.on('media', ({ connection, state, code, retryAt }) => {}); // 'up' | 'down': connecting | connected | waiting (is
 *                                                        // tried again by itself) | refused (call.retry() tries again)
 * call.on('connection', ({ connection, state }) => {});  // 'up' | 'down' | participant id, RTCPeerConnectionState
 * call.on('error', ({ error, during }) => {});           // what failed in the background; the call goes on
 * call.setSource('camera', mediaStreamTrack);            // before start() too: then it is sent soonest
 * await call.start();
 * call.setMuted('microphone', true);                     // track.enabled and participant.update in one
 * call.setSource('camera', null);                        // the caller stops its own MediaStreamTrack
 * call.view([{ track, width, height, priority }]);       // what to show; as often as you like
 * call.limit('camera', 0.5);                             // sfu: sends no more than half of its lines
 * await call.stats();                                    // CallStats, see stats.js
 * call.sendData('hello');                                // p2p rooms only; event 'data' { from, data }
 * call.retry();                                          // what was refused, once more
 * call.hurry();                                          // beside session.wake(): the network may be another one
 * call.close();
 *
 * // 4. Files, from browser to browser, in both kinds of rooms; made with the call, closed with it.
 * const files = new FileTransfers(session, { iceServers: reply.ice_servers });
 * files.on('transfer', (transfer) => {});                // every change: state, bytes, and at the end the blob
 * await files.offer(file, file.name, [participantId]);   // at most MOST_FILE_BYTES
 * files.accept(id); files.pause(id, true); files.cancel(id);
 * ```
 *
 * Every refusal is a {@link ProtocolError} with the wire's `code` (`room.full`, …), or one of the client's own:
 * `client.closed` (no socket, or it died while waiting), `client.timeout`, `client.unsupported`.
 *
 * A request that comes too soon (`rate.limited`, `server.busy`) is sent again by itself for a minute at most.
 *
 * A call outlives a lost socket: the media go on over their own connections. When the server kept the session no longer
 * and the room was joined anew, the call connects anew and sends the same sources again. It also outlives connections that fail for good, and a server that lost the media: new ones take
 * their place. In sfu rooms the slots of the old connection stay until the new one stands, and those of the new one have
 * other names; a track may be on two slots for that moment.
 *
 * Session methods, each taking and answering the `data` of the request of the same name:
 * `register login guest withToken refresh logout updateAccount createRoom editRoom deleteRoom listRooms getRoom
 * roster joinRoom leaveRoom endRoom updateParticipant sendChat deleteChat chatHistory react setSpotlight setTimer
 * muteParticipant askUnmute lowerHand renameParticipant setRole removeParticipant admit deny bans unban ping`, and
 * `request(type, data)` for everything else.
 *
 * @module
 */

export { Connection } from './connection.js';
export { Call } from './call.js';
export { createCall } from './create-call.js';
export { Emitter } from './emitter.js';
export { ProtocolError } from './errors.js';
export { FileTransfers, MOST_FILE_BYTES } from './file-transfer.js';
export { PeerCall } from './peer-call.js';
export { Session } from './session.js';
