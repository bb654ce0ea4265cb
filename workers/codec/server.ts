/** What Temporal's Web UI and command line ask, to show a person what is encrypted: HTTP with JSON. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { PayloadCodec } from '@temporalio/common';
import { isBearer } from './bearer.ts';
import { findCannotDecrypt } from './payload-codec.ts';
import { NotPayloads, payloadsFrom, payloadsText } from './payload-json.ts';

export interface CodecServerOptions {
  codec: PayloadCodec;
  /** Of web pages that may ask, as `http://127.0.0.1:8080`. */
  origins: readonly string[];
  /** Without one nobody is asked who they are. */
  token?: string;
  /** As PEM. Without it HTTP in the clear is spoken. */
  tls?: { cert: string; key: string };
}

const LARGEST_BODY = 10_000_000;
const REQUEST_MS = 10_000;
const MAX_CONNECTIONS = 64;
const WORK: Partial<Record<string, 'decode' | 'encode'>> = { '/decode': 'decode', '/encode': 'encode' };
/** What the Web UI may send. */
const HEADERS = 'Content-Type, X-Namespace, Authorization, Authorization-Extras';
const PREFLIGHT_SECONDS = '600';

/** Answers POST to `/decode` and `/encode`, and what a browser asks before. Listening and closing are the caller's. */
export function createCodecServer(options: CodecServerOptions): Server {
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    answer(request, response, options).catch((error: unknown) => {
      const { status, message } = refusalOf(error);
      response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', Connection: 'close' });
      response.end(`${message}\n`);
    });
  };
  const limits = { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS, connectionsCheckingInterval: 1000 };
  const { tls } = options;
  const server = tls === undefined ? createServer(limits, listener) : createTlsServer({ ...limits, ...tls }, listener);
  server.maxConnections = MAX_CONNECTIONS;
  return server;
}

/** An answer that is no payloads. Its text is for a person. */
class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, options: CodecServerOptions): Promise<void> {
  const { codec, origins, token } = options;
  allowOrigin(request.headers.origin, response, origins);
  const work = WORK[pathOf(request)];
  if (work === undefined) throw new Refusal(404, 'Expected /decode or /encode.');
  if (request.method === 'OPTIONS') {
    response.writeHead(204).end();
    return;
  }
  if (request.method !== 'POST') throw new Refusal(405, 'Expected POST.');
  if (token !== undefined && !isBearer(request.headers.authorization, token))
    throw new Refusal(401, 'Expected the header "Authorization: Bearer …" with the token of this codec server.');
  const done = await codec[work](payloadsFrom(await bodyOf(request)));
  response.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
  response.end(payloadsText(done));
}

/**
 * A page of another origin is refused, not only kept from reading: so is one whose name was made to mean this machine. Who
 * is no browser sends no origin.
 */
function allowOrigin(origin: string | undefined, response: ServerResponse, origins: readonly string[]): void {
  response.setHeader('Vary', 'Origin');
  if (origin === undefined) return;
  if (!origins.includes(origin))
    throw new Refusal(403, 'Pages of this origin may not ask: --origin declares those that may.');
  response.setHeader('Access-Control-Allow-Origin', origin);
  response.setHeader('Access-Control-Allow-Credentials', 'true');
  response.setHeader('Access-Control-Allow-Methods', 'POST');
  response.setHeader('Access-Control-Allow-Headers', HEADERS);
  response.setHeader('Access-Control-Max-Age', PREFLIGHT_SECONDS);
}

const pathOf = ({ url = '/' }: IncomingMessage): string => url.split('?')[0] ?? '/';

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > LARGEST_BODY) throw new Refusal(413, `Expected ${LARGEST_BODY} bytes at most.`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

function refusalOf(error: unknown): { status: number; message: string } {
  if (error instanceof Refusal) return error;
  if (error instanceof NotPayloads) return { status: 400, message: error.message };
  const unread = findCannotDecrypt(error);
  return unread === undefined
    ? { status: 500, message: 'This should not have happened.' }
    : { status: 400, message: unread.message };
}
