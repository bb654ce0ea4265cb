import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main } from '../../cli/program.ts';
import { testIo, type TestIo } from '../cli/io.ts';

const folder = mkdtempSync(join(tmpdir(), 'runbook-codec-server-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const file = (name: string, content: string, mode = 0o600): string => {
  writeFileSync(join(folder, name), content);
  chmodSync(join(folder, name), mode);
  return join(folder, name);
};
const KEYS = file('codec.keys', `a ${Buffer.alloc(32, 7).toString('base64')}\n`);
const TOKEN = 'a-token-that-nobody-guesses';
const UI = 'http://127.0.0.1:8080';

const running: { io: TestIo; ended: Promise<number> }[] = [];
const ioOf = (env: Record<string, string> = {}): TestIo =>
  testIo({ cwd: folder, env: { TEMPORAL_CONFIG_FILE: '/nowhere', RUNBOOK_CODEC_KEYS: KEYS, ...env } });

/** Starts one on a free port and says where. */
async function serve(...argv: string[]): Promise<string> {
  const io = ioOf();
  const ended = main(['codec-server', '--listen', '127.0.0.1:0', ...argv], io);
  running.push({ io, ended });
  await Promise.race([io.shown('Keys: a'), ended]);
  const [, address] = /listens at (\S+)/.exec(io.out()) ?? [];
  if (address === undefined) throw new Error(io.err());
  return address;
}
afterEach(async () => {
  for (const { io, ended } of running.splice(0)) {
    io.interrupt();
    expect(await ended).toBe(0);
  }
});

const PLAIN = { metadata: { encoding: Buffer.from('json/plain').toString('base64') }, data: 'ImNhbmFyeSI=' };
const post = (url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Namespace': 'default', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

describe('runbook codec-server', () => {
  it('encodes and decodes, and leaves alone what is not encrypted', async () => {
    const address = await serve();
    const encoded = (await (await post(`${address}/encode`, { payloads: [PLAIN] })).json()) as { payloads: object[] };
    expect(encoded.payloads[0]).toMatchObject({
      metadata: { encoding: Buffer.from('binary/encrypted').toString('base64') },
    });
    const mixed = { payloads: [...encoded.payloads, PLAIN] };
    const answer = await post(`${address}/decode`, mixed);
    expect([answer.status, await answer.json()]).toEqual([200, { payloads: [PLAIN, PLAIN] }]);
    expect(await (await post(`${address}/decode`, {})).json()).toEqual({ payloads: [] });
  });

  it('says why it does not answer', async () => {
    const address = await serve();
    const foreign = {
      metadata: {
        encoding: Buffer.from('binary/encrypted').toString('base64'),
        'encryption-key-id': Buffer.from('lost').toString('base64'),
      },
      data: 'AAAA',
    };
    for (const [path, body, status, text] of [
      ['/decode', { payloads: [foreign] }, 400, /by the key "lost", and .* only a[.]/],
      ['/decode', '{', 400, /Expected JSON/],
      ['/decode', [], 400, /Expected {"payloads"/],
      ['/decode', { payloads: [{ data: '%' }] }, 400, /payloads\[0\].data to be base64/],
      ['/decode', { payloads: [{ metadata: { a: 1 } }] }, 400, /payloads\[0\].metadata to be base64/],
      ['/other', {}, 404, /Expected .decode or .encode/],
    ] as const) {
      const answer = await post(`${address}${path}`, body);
      expect([answer.status, await answer.text()]).toEqual([status, expect.stringMatching(text)]);
    }
    expect((await fetch(`${address}/decode`)).status).toBe(405);
  });

  it('answers pages of declared origins alone', async () => {
    const address = await serve('--origin', UI);
    const asks = { Origin: UI, 'Access-Control-Request-Method': 'POST' };
    const before = await fetch(`${address}/decode`, { method: 'OPTIONS', headers: asks });
    expect(before.status).toBe(204);
    expect(Object.fromEntries(before.headers)).toMatchObject({
      'access-control-allow-origin': UI,
      'access-control-allow-credentials': 'true',
      'access-control-allow-methods': 'POST',
      'access-control-allow-headers': expect.stringContaining('X-Namespace, Authorization'),
      vary: 'Origin',
    });
    const page = await post(`${address}/decode`, { payloads: [PLAIN] }, { Origin: UI });
    expect([page.status, page.headers.get('access-control-allow-origin')]).toEqual([200, UI]);
    for (const origin of ['http://evil.lan', 'null', `${UI}0`]) {
      for (const method of ['POST', 'OPTIONS']) {
        const answer = await fetch(`${address}/decode`, { method, headers: { Origin: origin } });
        expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([403, null]);
      }
    }
  });

  it('wants the token where it has one, though not for the question before', async () => {
    const address = await serve('--token-file', file('token', `${TOKEN}\n`), '--origin', UI);
    for (const authorization of ['', TOKEN, `Bearer ${TOKEN}x`, `Basic ${TOKEN}`])
      expect((await post(`${address}/decode`, {}, { Authorization: authorization })).status).toBe(401);
    expect((await post(`${address}/decode`, {}, { Authorization: `Bearer ${TOKEN}` })).status).toBe(200);
    expect((await fetch(`${address}/decode`, { method: 'OPTIONS', headers: { Origin: UI } })).status).toBe(204);
  });

  it('takes no more than it can bear, and lets nobody keep it waiting', async () => {
    const address = await serve();
    expect((await post(`${address}/decode`, 'x'.repeat(10_000_001))).status).toBe(413);
    const socket = connect(Number(new URL(address).port), '127.0.0.1');
    socket.write('POST /decode HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{');
    let said = '';
    socket.on('data', (part) => (said += part.toString()));
    await once(socket, 'close');
    expect(said).toContain('408');
  }, 30_000);

  it('speaks TLS where it has a certificate', async () => {
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
    execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' }); // prettier-ignore
    chmodSync(key, 0o600);
    const address = await serve('--tls-cert', cert, '--tls-key', key);
    expect(address).toMatch(/^https:/);
    const asked = request(`${address}/decode`, { ca: readFileSync(cert), method: 'OPTIONS' }).end();
    const [answer] = (await once(asked, 'response')) as [{ statusCode: number; resume: () => void }];
    answer.resume();
    expect(answer.statusCode).toBe(204);
  });

  it.each([
    ['no keys', [], { RUNBOOK_CODEC_KEYS: '' }, 'Expected RUNBOOK_CODEC_KEYS'],
    ['an origin with a path', ['--origin', `${UI}/x`], {}, 'Expected --origin to be like'],
    ['an address that others reach', ['--listen', '0.0.0.0:0'], {}, 'Expected --token-file, --tls-cert and --tls-key'],
    ['a token that others read', ['--token-file', file('open', TOKEN, 0o644)], {}, 'found mode 0644'],
    ['a token that is short', ['--token-file', file('short', 'abc')], {}, '16 characters'],
    ['half of TLS', ['--tls-cert', file('c', '')], {}, '--tls-cert and --tls-key together'],
    [
      'no certificate',
      ['--tls-cert', file('c', 'x'), '--tls-key', file('k', 'y')],
      {},
      'certificate and its key as PEM',
    ],
    ['no address', ['--listen', 'localhost:1'], {}, 'Expected an IP address and a port'],
  ])('is refused with %s', async (_what, argv, env: Record<string, string>, text) => {
    const io = ioOf(env);
    expect(await main(['codec-server', ...argv], io)).toBe(2);
    expect(io.err()).toContain(text);
  });

  it('says so where its port is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const io = ioOf();
    expect(await main(['codec-server', '--listen', `127.0.0.1:${port}`], io)).toBe(1);
    expect(io.err()).toContain(`127.0.0.1, port ${port}, is in use.`);
    other.close();
  });
});
