import { createServer as createHttpServer, type Server } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createLocalHost } from '../../hosts/local.ts';
import type { Host } from '../../hosts/host.ts';
import { commandProbe, httpProbe, incusProbe, systemdProbe, tcpProbe } from '../../tools/probes.ts';
import { hostError, refusal, scripted } from './fake-host.ts';

let folder: string;
let local: Host;
let server: Server;
let base: string;
let port: number;
let closedPort: number;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'probes-'));
  local = createLocalHost({ stateDir: folder });
  server = createHttpServer((request, response) => {
    if (request.url === '/hang') return;
    if (request.url === '/moved') return void response.writeHead(302, { location: '/ok' }).end();
    if (request.url === '/large') return void response.end('x'.repeat(3_000_000));
    response.writeHead(request.url === '/ok' ? 200 : 502).end('all is well\n');
  }).listen(0, '127.0.0.1');
  const closed = createServer().listen(0, '127.0.0.1');
  await Promise.all([server, closed].map((each) => new Promise((resolve) => each.once('listening', resolve))));
  port = (server.address() as AddressInfo).port;
  closedPort = (closed.address() as AddressInfo).port;
  await new Promise((resolve) => closed.close(resolve));
  base = `http://127.0.0.1:${port}`;
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

const probe = { status: 200, timeoutMs: 5_000 };

describe.each(['worker', 'host'])('an http probe from the %s', (where) => {
  const from = () => (where === 'worker' ? 'worker' : local);

  it('is healthy with the status, and the text, that was asked for', async () => {
    const answer = await httpProbe({ ...probe, url: `${base}/ok`, contains: 'is well' }, from());
    expect(answer).toEqual({ type: 'healthy', detail: `200 for ${base}/ok` });
  });

  it.each([
    ['another status', '/bad', {}, '502 for'],
    ['another text', '/ok', { contains: 'is bad' }, 'without the text "is bad"'],
    ['a redirect, which is not followed', '/moved', {}, '302 for'],
    ['no answer in time', '/hang', { timeoutMs: 300 }, 'no answer'],
  ])('is unhealthy with %s', async (_, path, change, detail) => {
    const answer = await httpProbe({ ...probe, ...change, url: `${base}${path}` }, from());
    expect(answer).toEqual({ type: 'unhealthy', detail: expect.stringContaining(detail) });
  });

  it('is unhealthy where nobody listens', async () => {
    const answer = await httpProbe({ ...probe, url: `http://127.0.0.1:${closedPort}/` }, from());
    expect(answer).toEqual({ type: 'unhealthy', detail: expect.stringMatching(/ECONNREFUSED|connect/i) });
  });

  it('reads the beginning of a page without end', async () => {
    const answer = await httpProbe({ ...probe, url: `${base}/large`, contains: 'xxx' }, from());
    expect(answer).toMatchObject({ type: 'healthy' });
  });
});

describe('an http probe', () => {
  it('from a host without curl is not possible', async () => {
    const curl = ['curl', '--silent', '--show-error', '--max-time', '5', '--proto', '=http,https'];
    const argv = [...curl, '--write-out', '\n%{http_code}', '--url', base];
    const answer = await httpProbe({ ...probe, url: base }, scripted([argv, hostError('NotRun')]));
    expect(answer).toMatchObject({ type: 'not possible' });
  });

  it('that is cancelled says so by throwing', async () => {
    const controller = new AbortController();
    const answer = httpProbe({ ...probe, url: `${base}/hang` }, 'worker', { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(answer).rejects.toThrow('enough');
  });
});

describe.each(['worker', 'host'])('a tcp probe from the %s', (where) => {
  const from = () => (where === 'worker' ? 'worker' : local);
  const target = { host: '127.0.0.1', timeoutMs: 5_000 };

  it('is healthy where a connection is accepted', async () => {
    expect(await tcpProbe({ ...target, port }, from())).toMatchObject({ type: 'healthy' });
  });

  it('is unhealthy where none is', async () => {
    expect(await tcpProbe({ ...target, port: closedPort }, from())).toEqual({
      type: 'unhealthy',
      detail: expect.stringMatching(/refused/i),
    });
  });

  it('takes a hostile name for a name', async () => {
    const hostile = { ...target, host: '127.0.0.1/1;$(touch x)', port };
    expect(await tcpProbe(hostile, from())).toMatchObject({ type: 'unhealthy' });
  });
});

it('a tcp probe that is cancelled says so by throwing', async () => {
  const answer = tcpProbe({ host: '127.0.0.1', port, timeoutMs: 5_000 }, 'worker', { signal: AbortSignal.abort() });
  await expect(answer).rejects.toMatchObject({ name: 'AbortError' });
});

describe('a command probe', () => {
  it.each([
    [['true'], 'healthy', 'true'],
    [['sh', '-c', 'echo fine'], 'healthy', 'sh: fine'],
    [['sh', '-c', 'echo out; echo "db is down" >&2; exit 3'], 'unhealthy', 'sh exited with 3: db is down'],
    [['no-such-program'], 'not possible', 'no-such-program cannot be started on local.'],
  ])('%j is %s', async (argv, type, detail) => {
    expect(await commandProbe(local, { argv, timeoutMs: 5_000 })).toEqual({ type, detail });
  });

  it('that hangs is unhealthy', async () => {
    const answer = await commandProbe(local, { argv: ['sleep', '60'], timeoutMs: 200 });
    expect(answer).toEqual({ type: 'unhealthy', detail: 'sleep: no answer within 200 ms' });
  });

  it('of a host that is away is unhealthy', async () => {
    const host = scripted([['x'], hostError('Unreachable', 'g1 is stopped')]);
    expect(await commandProbe(host, { argv: ['x'], timeoutMs: 1_000 })).toEqual({
      type: 'unhealthy',
      detail: 'x: g1 is stopped',
    });
  });

  it.each(['Refused', 'Cancelled'] as const)('passes %s on, since trying again is no use', async (type) => {
    const answer = commandProbe(scripted([['x'], hostError(type)]), { argv: ['x'], timeoutMs: 1_000 });
    await expect(answer).rejects.toMatchObject({ type });
  });
});

describe('a systemd probe', () => {
  const units = ['a.service', 'b.service'];
  const argv = ['systemctl', 'show', '--property=LoadState,ActiveState,SubState,Result', '--', ...units];
  const shown = (...states: string[]) => ({
    stdout: states.map((state) => `LoadState=loaded\nActiveState=${state}\nSubState=x\nResult=success\n`).join('\n'),
  });

  it('is healthy when every unit is active', async () => {
    const answer = await systemdProbe(scripted([argv, shown('active', 'active')]), { units, timeoutMs: 1_000 });
    expect(answer).toEqual({ type: 'healthy', detail: 'a.service, b.service active' });
  });

  it.each(['activating', 'failed', 'inactive'])('is unhealthy when one is %s', async (state) => {
    const answer = await systemdProbe(scripted([argv, shown('active', state)]), { units, timeoutMs: 1_000 });
    expect(answer).toEqual({ type: 'unhealthy', detail: `b.service is ${state} (x)` });
  });

  it('is unhealthy where systemctl fails or the host is away, and not possible without systemctl', async () => {
    const ask = (answer: Parameters<typeof scripted>[0][1]) =>
      systemdProbe(scripted([argv, answer]), { units, timeoutMs: 1_000 });
    expect(await ask(refusal('no bus'))).toMatchObject({ type: 'unhealthy' });
    expect(await ask(hostError('Unreachable'))).toMatchObject({ type: 'unhealthy' });
    expect(await ask(hostError('NotRun'))).toMatchObject({ type: 'not possible' });
  });
});

describe('an incus probe', () => {
  const wanted = { project: 'default', instance: 'g1', status: 'Running' };

  it.each([
    [{ type: 'state' as const, status: 'Running', processes: 4 }, 'healthy', 'g1 is Running'],
    [{ type: 'state' as const, status: 'Frozen', processes: 4 }, 'unhealthy', 'g1 is Frozen (expected Running)'],
    [{ type: 'not found' as const, what: 'Instance not found' }, 'unhealthy', 'Instance not found'],
    [{ type: 'member offline' as const, message: 'n1 is away' }, 'unhealthy', 'n1 is away'],
  ])('with %j is %s', async (state, type, detail) => {
    expect(await incusProbe({ instanceState: () => Promise.resolve(state) }, wanted)).toEqual({ type, detail });
  });
});
