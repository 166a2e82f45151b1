// A guest on the command line: who is there, what is said.
//   node tests/client/example.mjs ws://localhost:8080/ws <room identity> [name]
import { WebSocket } from 'ws';
import { Session } from '../../static/js/client/index.js';

const [url, identity, name = 'Robot'] = process.argv.slice(2);
if (!identity) {
  console.error('usage: example.mjs <ws://server/ws> <room identity> [name]');
  process.exit(2);
}

const session = new Session(url, { WebSocket });
session.on('joined', ({ room, self, participants }) => {
  console.log(`joined "${room.name}" as ${self.display_name}`);
  for (const { display_name, role } of participants) console.log(`here: ${display_name} (${role})`);
});
session.on('participant.joined', ({ participant }) => console.log(`came: ${participant.display_name}`));
session.on('participant.left', ({ reason }) => console.log(`went: somebody (${reason})`));
session.on('chat.message', ({ message }) => console.log(`${message.display_name}: ${message.text}`));
session.on('state', ({ state, code }) => {
  if (state === 'reconnecting') console.log('the connection is lost, trying again');
  // 4404: the meeting is over; 4403: a host removed us. There is nothing to come back to.
  if (state === 'closed' && code !== 1000) process.exit(code === 4404 ? 0 : 1);
});

try {
  await session.guest({ display_name: name });
  await session.joinRoom({ identity });
  await session.sendChat({ text: `Hello, this is ${name}.` });
} catch (error) {
  console.error(`${error.code}: ${error.message}`);
  process.exit(1);
}

process.once('SIGINT', async () => {
  await session.leaveRoom();
  session.close();
  process.exit(0);
});
