import { createHmac } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { request } from '../../../activities/notify/http.ts';
import { ping } from '../../../activities/notify/ping.ts';
import { sendOn } from '../../../activities/notify/send.ts';
import { parseFleet } from '../../../fleet/load.ts';
import type { Channel } from '../../../fleet/schema.ts';
import type { Notice } from '../../../plan/notice.ts';
import { httpServer, mailServer, type HttpServer } from './servers.ts';

const NOTICE: Notice = {
  ...{ event: 'rollback', fleet: 'homelab', runbook: 'safe-upgrade', node: 'n1', run: 'safe-upgrade/n1' },
  ...{ headline: 'safe-upgrade/n1 was rolled back', what: 'n1 läuft 26.05.2. Healthy.', at: '2026-11-23T02:14:00Z' },
  command: 'runbook report safe-upgrade/n1',
};
const TOKEN = 'tk_zzz4711sssecret';

/** As the fleet file declares it, with every default. */
function channel(declared: object): Channel {
  const fleet = { version: 1, name: 'homelab', members: { n1: { address: '10.0.0.1' } } };
  const text = JSON.stringify({ ...fleet, notifications: { channels: { it: declared } } });
  const parsed = parseFleet(text, 'runbook.yaml');
  const found = parsed.type === 'fleet' ? parsed.fleet.notifications.channels['it'] : undefined;
  if (found === undefined) throw new Error(`Expected a channel, got ${JSON.stringify(parsed)}`);
  return found;
}

const send = (declared: object, signal = new AbortController().signal) =>
  sendOn(channel(declared), { notice: NOTICE, id: 'notify/rollback/safe-upgrade/n1/r' }, signal);

let folder: string;
const closing: (() => Promise<void>)[] = [];
const file = async (name: string, text: string): Promise<string> => {
  await writeFile(join(folder, name), text);
  return join(folder, name);
};
const serve = async (...args: Parameters<typeof httpServer>): Promise<HttpServer> => {
  const server = await httpServer(...args);
  closing.push(server.close);
  return server;
};
const mail = async (...args: Parameters<typeof mailServer>) => {
  const server = await mailServer(...args);
  closing.push(server.close);
  return server;
};
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'notify-'));
});
afterEach(async () => {
  await Promise.all(closing.splice(0).map((close) => close()));
  await rm(folder, { recursive: true });
});

describe('a webhook', () => {
  it('gets the message as JSON, with its headers, an id and a signature over time and body', async () => {
    const { url, asked } = await serve((response) => void response.writeHead(202).end('queued\n'));
    const key = 'k3y';
    const sent = await send({
      ...{ type: 'webhook', urlFile: await file('url', `${url}/hook?x=1\n`), signatureFile: await file('key', key) },
      headerFiles: { Authorization: await file('auth', `Bearer ${TOKEN}\n`) },
    });
    expect(sent).toEqual({ type: 'sent', answer: '202: queued' });
    const [{ method, path, headers, body } = { method: '', path: '', headers: {}, body: '' }] = asked;
    expect([method, path, headers.authorization]).toEqual(['POST', '/hook?x=1', `Bearer ${TOKEN}`]);
    expect(JSON.parse(body)).toEqual({
      ...NOTICE,
      id: 'notify/rollback/safe-upgrade/n1/r',
      title: 'homelab: safe-upgrade/n1 was rolled back',
      message: 'n1 läuft 26.05.2. Healthy.\nrunbook report safe-upgrade/n1',
    });
    const time = String(headers['x-runbook-timestamp']);
    const signature = createHmac('sha256', key).update(`${time}.${body}`).digest('hex');
    expect(headers['x-runbook-signature']).toBe(`sha256=${signature}`);
    expect(Math.abs(Date.now() / 1000 - Number(time))).toBeLessThan(60);
  });

  it.each([
    [500, false],
    [503, false],
    [429, false],
    [401, true],
    [404, true],
  ])('that answers %i has not taken it, and is a refusal: %s', async (status, isRefusal) => {
    const { url } = await serve((response) => void response.writeHead(status).end(`no: ${TOKEN}`));
    const sent = await send({ type: 'webhook', url, headerFiles: { 'X-Token': await file('token', TOKEN) } });
    expect(sent).toEqual({ type: 'failed', isRefusal, message: expect.stringContaining(`answered ${status}: no: `) });
    expect(JSON.stringify(sent)).not.toContain(TOKEN);
  });

  it('that redirects is not followed, so that a token stays with whom it is for', async () => {
    const other = await serve();
    const { url } = await serve((response) => void response.writeHead(307, { location: other.url }).end());
    const sent = await send({ type: 'webhook', url, headerFiles: { Authorization: await file('t', TOKEN) } });
    expect(sent).toEqual({ type: 'failed', isRefusal: true, message: expect.stringContaining('a redirect') });
    expect(other.asked).toEqual([]);
  });

  it('that never answers is given up, and so is one whose answer has no end', async () => {
    const { url } = await serve((response, number) => {
      if (number === 1) return;
      response.writeHead(200);
      const more = (): void => void response.write('x'.repeat(65_536), () => setImmediate(more));
      more();
    });
    const ask = { method: 'POST', url, secrets: [] } as const;
    const { signal } = new AbortController();
    expect(await request(ask, signal, 200)).toEqual({
      ...{ type: 'failed', isRefusal: false },
      message: `${new URL(url).host} did not answer in time.`,
    });
    expect(await request(ask, signal, 5000)).toEqual({
      type: 'sent',
      answer: expect.stringMatching(/^200: x{100,}…$/),
    });
  });

  it('that is not there may be later; a secret that cannot be read, and a URL that is none, have to be mended', async () => {
    const { url, close } = await httpServer();
    await close();
    expect(await send({ type: 'webhook', url })).toEqual({
      ...{ type: 'failed', isRefusal: false },
      message: `${new URL(url).host} does not answer: ECONNREFUSED.`,
    });
    const missing = await send({ type: 'webhook', urlFile: join(folder, 'none') });
    expect(missing).toEqual({ type: 'failed', isRefusal: true, message: expect.stringContaining('ENOENT') });
    const wrong = await send({ type: 'webhook', urlFile: await file('url', TOKEN) });
    expect(wrong).toEqual({ type: 'failed', isRefusal: true, message: expect.stringContaining('no URL') });
    expect(JSON.stringify(wrong)).not.toContain(TOKEN);
    const lines = await send({ type: 'webhook', urlFile: await file('url', `${url}\nx-evil: 1`) });
    expect(lines).toEqual({ type: 'failed', isRefusal: true, message: expect.stringContaining('one line of text') });
  });
});

describe('ntfy', () => {
  it('gets JSON at its root, as its documentation has it, with topic, level and token', async () => {
    const { url, asked } = await serve();
    const sent = await send({ type: 'ntfy', url, topic: 'homelab', tokenFile: await file('token', `${TOKEN}\n`) });
    expect(sent).toEqual({ type: 'sent', answer: '200: ok' });
    const [{ method, path, headers, body } = { method: '', path: '', headers: {}, body: '' }] = asked;
    expect([method, path, headers.authorization]).toEqual(['POST', '/', `Bearer ${TOKEN}`]);
    expect(JSON.parse(body)).toEqual({
      ...{ topic: 'homelab', title: 'homelab: safe-upgrade/n1 was rolled back', priority: 4 },
      message: 'n1 läuft 26.05.2. Healthy.\nrunbook report safe-upgrade/n1',
      tags: ['leftwards_arrow_with_hook'],
    });
  });
});

describe('email', () => {
  const addresses = { from: 'runbook@example.net', to: ['ada@example.net', 'bob@example.net'] };
  const host = '127.0.0.1';
  const login = async () => ({ user: 'runbook', passwordFile: await file('password', TOKEN) });

  it('is sent in the clear where that is declared, to everybody, under one id', async () => {
    const { port, mails } = await mail({ authOptional: true, disabledCommands: ['STARTTLS', 'AUTH'] });
    const declared = { type: 'email', host, port, security: 'none', ...addresses };
    expect(await send(declared)).toEqual({ type: 'sent', answer: expect.stringMatching(/^250 /) });
    await send(declared);
    expect(mails.map(({ to }) => to)).toEqual([addresses.to, addresses.to]);
    expect(mails[0]?.text).toContain('Subject: homelab: safe-upgrade/n1 was rolled back\r\n');
    expect(mails[0]?.text).toContain('runbook report safe-upgrade/n1');
    const ids = mails.map(({ text }) => /^Message-ID: (<[0-9a-f]{32}@example\.net>)\r$/im.exec(text)?.[1]);
    expect(new Set(ids).size).toBe(1);
    expect(ids[0]).toBeDefined();
  });

  it.each(['starttls', 'tls'] as const)(
    'by %s says nothing to a server whose certificate nobody vouches for',
    async (security) => {
      let logins = 0;
      const { port, mails } = await mail({
        secure: security === 'tls',
        onAuth: (_auth, _session, done) => {
          logins += 1;
          done(undefined, { user: 'x' });
        },
      });
      const sent = await send({ type: 'email', host, port, security, ...(await login()), ...addresses });
      expect(sent).toEqual({
        type: 'failed',
        isRefusal: true,
        message: expect.stringMatching(/trust.*NODE_EXTRA_CA_CERTS/),
      });
      expect([logins, mails]).toEqual([0, []]);
    },
  );

  it('is not sent without TLS where TLS was asked for', async () => {
    const { port, mails } = await mail({ authOptional: true, disabledCommands: ['STARTTLS'] });
    const sent = await send({ type: 'email', host, port, ...addresses });
    expect(sent).toMatchObject({ type: 'failed', isRefusal: true });
    expect(mails).toEqual([]);
  });

  it.each([
    [451, false],
    [550, true],
  ])('that the server answers by %i is a refusal: %s', async (responseCode, isRefusal) => {
    const { port } = await mail({
      ...{ authOptional: true, disabledCommands: ['STARTTLS', 'AUTH'] },
      onRcptTo: (_address, _session, done) => {
        done(Object.assign(new Error('not now'), { responseCode }));
      },
    });
    const sent = await send({ type: 'email', host, port, security: 'none', ...addresses });
    expect(sent).toEqual({ type: 'failed', isRefusal, message: expect.stringContaining(String(responseCode)) });
  });
});

describe('the dead-man ping', () => {
  it('asks the URL by GET', async () => {
    const { url, asked } = await serve();
    const urlFile = await file('url', `${url}/ping/4711\n`);
    const answer = await ping({ urlFile, every: '5m' }, new AbortController().signal);
    expect(answer).toEqual({ type: 'sent', answer: '200: ok' });
    expect(asked.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET /ping/4711']);
  });
});
