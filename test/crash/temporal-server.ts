import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { startDevServer, type DevServer } from '../../workers/dev-server.ts';
import { isFree, UI_OFFSET } from '../../workers/ports.ts';

/** A real development server as a process of its own that keeps its data in a file. */
export interface TemporalServer {
  readonly address: string;
  client(namespace: string): Client;
  /** Ends it by SIGKILL; it is not there when this resolves. */
  sigkill(): Promise<void>;
  /** Starts it again on the same data and port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export async function startTemporalServer(namespaces: readonly string[]): Promise<TemporalServer> {
  const executable = process.env['RUNBOOK_TEMPORAL'] ?? 'set by global-setup.mjs';
  const folder = await mkdtemp(join(tmpdir(), 'runbook-crash-server-'));
  const port = await findServerPort();
  const extraArgs = ['--headless', ...namespaces.flatMap((name) => ['--namespace', name])];
  const start = (): Promise<DevServer> => startDevServer({ executable, folder, port, extraArgs });
  let server = await start();
  const connection = await connect(server);
  return {
    address: server.address,
    client: (namespace) => new Client({ connection, namespace }),
    sigkill: async () => {
      process.kill(server.pid, 'SIGKILL');
      await server.exited;
    },
    restart: async () => {
      // Ready within its time also where the machine is busy with other things for a moment.
      server = await start().catch(start);
    },
    stop: async () => {
      await connection.close();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A busy machine's server takes its time. */
async function connect(server: DevServer): Promise<Connection> {
  try {
    return await Connection.connect({ address: server.address, connectTimeout: '2 minutes' });
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/**
 * Not one that the kernel gives to clients: while a killed server is away, a client that tries to reach it could be given
 * the server's own port.
 */
async function findServerPort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    if ((await isFree(port)) && (await isFree(port + UI_OFFSET))) return port;
  }
}
