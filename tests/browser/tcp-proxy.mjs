/**
 * A way to the server over TCP that can be cut: what runs over it is dropped as when a network is gone, and while it is cut
 * no new socket comes through. Media pass it by; so do the page's files.
 */
import { connect, createServer } from 'node:net';

const HOST = '127.0.0.1';

/**
 * @typedef {object} Proxy
 * @property {string} origin of the page over it
 * @property {() => void} cut drops every WebSocket, and lets none through
 * @property {() => void} drop drops every WebSocket; the next ones come through
 * @property {() => void} heal
 * @property {() => number} opened how many WebSockets were asked for
 * @property {() => Promise<void>} close
 */

/** @param {string} target the server's origin @returns {Promise<Proxy>} */
export async function openProxy(target) {
  const { port } = new URL(target);
  const all = new Set();
  const sockets = new Set();
  let isCut = false;
  let opened = 0;
  const server = createServer((client) => {
    all.add(client);
    client.on('error', () => {});
    client.on('close', () => all.delete(client));
    client.once('data', (first) => {
      const isSocket = /^upgrade: *websocket/im.test(first.toString('latin1'));
      if (isSocket) {
        opened += 1;
        if (isCut) return client.destroy();
        sockets.add(client);
        client.on('close', () => sockets.delete(client));
      }
      const server = connect(Number(port), HOST);
      server.on('error', () => client.destroy());
      client.on('error', () => server.destroy());
      client.on('close', () => server.destroy());
      server.write(first);
      client.pipe(server).pipe(client);
    });
  });
  await new Promise((resolve) => server.listen(0, HOST, () => resolve(undefined)));
  const drop = () => {
    // A reset: a network that is gone says no goodbye.
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    origin: `http://${HOST}:${/** @type {any} */ (server.address()).port}`,
    drop,
    cut: () => {
      isCut = true;
      drop();
    },
    heal: () => {
      isCut = false;
    },
    opened: () => opened,
    close: async () => {
      for (const socket of all) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
