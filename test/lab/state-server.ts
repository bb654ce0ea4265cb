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
  /** A status, and what it says. */
  const reply = (method: string, body: string): [number, string?] => {
    switch (method) {
      case 'LOCK':
        if (kept.lock !== undefined) return [423, kept.lock];
        kept.lock = body;
        return [200];
      case 'UNLOCK':
        kept.lock = undefined;
        return [200];
      case 'GET':
        return kept.state === '' ? [404] : [200, kept.state];
      case 'POST':
        if (kept.isRefusing) return [500];
        kept.state = body;
        return [200];
      default:
        return [405];
    }
  };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const [status, content] = reply(request.method ?? '', await text(request));
    response.writeHead(status).end(content);
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
