import { createHash } from 'node:crypto';
import { connect, createServer, type Server } from 'node:net';

/**
 * Runs `work` while no other process runs any under the same name. The lock is a listening socket in Linux's abstract
 * namespace, which the kernel frees with its process: killed holders leave nothing behind, and waiting needs no polling.
 */
export async function withLock<T>(name: string, work: () => T | Promise<T>): Promise<T> {
  const address = `\0runbook-simulator-${createHash('sha256').update(name).digest('hex').slice(0, 32)}`;
  const server = await acquire(address);
  try {
    return await work();
  } finally {
    await release(server);
  }
}

interface Held {
  server: Server;
  waiting: Set<{ destroy: () => void }>;
}

async function acquire(address: string): Promise<Held> {
  for (;;) {
    const held = await tryListen(address);
    if (held) return held;
    await untilReleased(address);
  }
}

function tryListen(address: string): Promise<Held | undefined> {
  return new Promise((resolve, reject) => {
    const waiting: Held['waiting'] = new Set();
    const server = createServer((socket) => {
      waiting.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => waiting.delete(socket));
    });
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(address, () => {
      resolve({ server, waiting });
    });
  });
}

/** Connects to the holder, who hangs up as it lets go; so does the kernel when it dies. */
function untilReleased(address: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(address);
    const done = (): void => {
      resolve();
    };
    socket.on('error', done);
    socket.on('close', done);
  });
}

function release({ server, waiting }: Held): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
    for (const socket of waiting) socket.destroy();
  });
}
