import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { StartError } from '../start-error.ts';

/** The format that Prometheus reads everywhere. */
const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Answers GET /metrics with what `text` gives, and nothing else. Throws StartError `busy`. */
export async function openServer(address: string, text: () => Promise<string>): Promise<Server> {
  const server = createServer((request, response) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') return void response.writeHead(405).end();
    if (request.url?.split('?')[0] !== '/metrics') return void response.writeHead(404).end('See /metrics\n');
    text().then(
      (body) => response.writeHead(200, { 'content-type': CONTENT_TYPE }).end(body),
      () => response.writeHead(500).end(),
    );
  });
  try {
    server.listen(placeOf(address));
    await once(server, 'listening');
    // A worker that ends does not wait for who is connected.
    server.unref();
    return server;
  } catch (error) {
    const whatToDo = 'Expected an address like 127.0.0.1:9464 whose port is free.';
    throw new StartError('busy', `Metrics can't be served at ${address}.`, whatToDo, error);
  }
}

/** `127.0.0.1:9464`, `[::1]:9464` */
function placeOf(address: string): { host: string; port: number } {
  const at = address.lastIndexOf(':');
  return { host: address.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(address.slice(at + 1)) };
}
