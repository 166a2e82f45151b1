// A guest on the command line, without any library of Meeting: who is there, and what is said.
//   node node.mjs ws://localhost:8080/ws <room identity or number> [name]
// Node.js 22 has a WebSocket of its own. For older ones: npm install ws
const WebSocket = globalThis.WebSocket ?? (await import('ws')).WebSocket;

const [url, identity, name = 'Robot'] = process.argv.slice(2);
if (!identity) {
  console.error('usage: node.mjs <ws://server/ws> <room identity or number> [name]');
  process.exit(2);
}

const socket = new WebSocket(url, 'meeting.v1');
const unanswered = new Map(); // by request id
const names = new Map(); // of participants, by their id
let lastId = 0;

// Sends a request. The promise ends with its answer: there is exactly one.
function request(type, data = {}) {
  const id = ++lastId;
  socket.send(JSON.stringify({ type, id, data }));
  return new Promise((resolve, reject) => unanswered.set(id, { resolve, reject }));
}

function answer({ type, re, data, error }) {
  const { resolve, reject } = unanswered.get(re) ?? {};
  unanswered.delete(re);
  if (type === 'ok') resolve?.(data);
  else reject?.(error);
}

function meet(participant) {
  names.set(participant.id, participant.display_name);
  return participant.display_name;
}

// The answer to room.join, and the event lobby.admitted, carry the same.
async function joined({ room, participants }) {
  console.log(`joined "${room.name}"`);
  for (const participant of participants) console.log(`here: ${meet(participant)} (${participant.role})`);
  await request('chat.send', { text: `Hello, this is ${name}.` });
}

const events = {
  'participant.joined': ({ participant }) => console.log(`came: ${meet(participant)}`),
  'participant.updated': ({ participant }) => meet(participant),
  'participant.left': ({ participant, reason }) => console.log(`went: ${names.get(participant)} (${reason})`),
  'chat.message': ({ message }) => console.log(`${message.display_name}: ${message.text}`),
  'lobby.admitted': joined,
  'lobby.denied': ({ reason }) => end(`not let in: ${reason}`, 1),
};

async function enter() {
  await request('auth.guest', { display_name: name });
  try {
    await joined(await request('room.join', { identity }));
  } catch (error) {
    if (error.code !== 'room.waiting') throw error;
    console.log('waiting to be let in');
  }
}

function end(words, code) {
  console.error(words);
  process.exit(code);
}

const refused = (error) => end(`${error.code}: ${error.message}`, 1);

socket.addEventListener('message', ({ data: text }) => {
  const frame = JSON.parse(text);
  if (frame.type === 'hello') enter().catch(refused);
  else if (frame.type === 'ok' || frame.type === 'error') answer(frame);
  // An event that is not known here is skipped: later servers may send more.
  else Promise.resolve(events[frame.type]?.(frame.data)).catch(refused);
});
socket.addEventListener('close', ({ code, reason }) => end(`closed: ${code} ${reason}`, code === 4404 ? 0 : 1));

process.once('SIGINT', async () => {
  await request('room.leave');
  process.exit(0);
});
