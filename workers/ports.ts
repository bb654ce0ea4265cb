import { once } from 'node:events';
import { createConnection, createServer } from 'node:net';

/** Only this machine: a development server has no access control. */
export const LOOPBACK = '127.0.0.1';

/** The Web UI's distance from the server's port, which `temporal server start-dev` has as its default. */
export const UI_OFFSET = 1000;

export async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const outcome = once(server, 'listening').then(
    () => true,
    () => false,
  );
  server.listen(port, LOOPBACK);
  const free = await outcome;
  if (free) await closed(server);
  return free;
}

/** A port whose neighbour for the Web UI is free as well. Somebody may take it before it is used. */
export async function findFreePort(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const server = createServer().listen(0, LOOPBACK);
    await once(server, 'listening');
    const address = server.address();
    await closed(server);
    const port = typeof address === 'object' && address ? address.port : 0;
    if (port + UI_OFFSET < 65_536 && (await isFree(port + UI_OFFSET))) return port;
  }
  throw new Error('found no two free ports in 50 attempts');
}

const closed = (server: { close(done: () => void): unknown }): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
  });

/** Whether something accepts connections there. */
export async function answers(port: number): Promise<boolean> {
  const socket = createConnection(port, LOOPBACK);
  const connected = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  return connected;
}
