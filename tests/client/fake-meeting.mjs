#!/usr/bin/env node
/**
 * The fake server in place of the real binary: `MEETING_BIN=client/fake-meeting.mjs node --test browser/p2p.test.mjs`
 * tells a fault of the client from one of the server.
 */
import { FakeServer } from './fake-server.mjs';

const server = await new FakeServer().listen();
server.handlers['room.create'] = () => ({ room: { identity: server.nextId('room') } });
console.log(`listening on ${server.origin}`);
process.on('SIGTERM', () => process.exit(0));
