import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

export interface Asked {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface HttpServer {
  url: string;
  asked: Asked[];
  close: () => Promise<void>;
}

/** A real HTTP server on this machine that keeps what it was asked; `answer` is given how manieth it is, from 1. */
export async function httpServer(
  answer: (response: ServerResponse, number: number, asked: Asked) => void = (response) => void response.end('ok'),
): Promise<HttpServer> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const { method = '', url: path = '', headers } = request;
      const got = { method, path, headers, body };
      answer(response, asked.push(got), got);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export interface MailServer {
  port: number;
  /** Whole messages, as they came, each with who it was for. */
  mails: { to: string[]; text: string; secure: boolean; user: string | undefined }[];
  close: () => Promise<void>;
}

/** A real SMTP server on this machine. */
export async function mailServer(options: SMTPServerOptions): Promise<MailServer> {
  const mails: MailServer['mails'] = [];
  const server = new SMTPServer({
    logger: false,
    onData: (stream, { envelope, secure, user }, done) => {
      void text(stream).then((body) => {
        const to = envelope.rcptTo.map(({ address }) => address);
        mails.push({ to, text: body, secure, user: user as string | undefined });
        done();
      });
    },
    ...options,
  });
  server.on('error', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  return {
    port: (server.server.address() as AddressInfo).port,
    mails,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
      }),
  };
}
