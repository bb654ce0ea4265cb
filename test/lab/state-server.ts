import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** What Terraform's backend `http` talks to: one state, and a lock that stays until it is given back. */
export interface StateServer {
  address: string;
  state(): string;
  lock(): string | undefined;
  /** It takes no state any more. */
  refuse(isRefusing: boolean): void;
  stop(): Promise<void>;
}

export async function startStateServer(): Promise<StateServer> {
  const kept: { state: string; lock: string | undefined; isRefusing: boolean } = {
    state: '',
    lock: undefined,
    isRefusing: false,
  };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request);
    const end = (status: number, content = ''): void => {
      response.writeHead(status).end(content);
    };
    switch (request.method) {
      case 'LOCK':
        if (kept.lock !== undefined) return end(423, kept.lock);
        kept.lock = body;
        return end(200);
      case 'UNLOCK':
        kept.lock = undefined;
        return end(200);
      case 'GET':
        return kept.state === '' ? end(404) : end(200, kept.state);
      case 'POST':
        if (kept.isRefusing) return end(500);
        kept.state = body;
        return end(200);
      default:
        return end(405);
    }
  };
  const server = createServer((request, response) => void answer(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/state`,
    state: () => kept.state,
    lock: () => kept.lock,
    refuse: (isRefusing) => {
      kept.isRefusing = isRefusing;
    },
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
