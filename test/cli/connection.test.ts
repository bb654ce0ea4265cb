import { afterAll, describe, expect, it } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { createSecureServer, createServer as createHttp2 } from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { main } from '../../cli/program.ts';
import { testIo } from './io.ts';

const folder = mkdtempSync(join(tmpdir(), 'runbook-settings-'));
const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true });
});

const file = (name: string, content: string): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

const listening = async (server: Server): Promise<string> => {
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
};

const list = async (env: Record<string, string>): Promise<{ code: number; err: string; ms: number }> => {
  const none = file('none.toml', '');
  const io = testIo({ env: { RUNBOOK_STATE: '/nowhere', TEMPORAL_CONFIG_FILE: none, ...env } });
  const start = performance.now();
  const code = await main(['list'], io);
  return { code, err: io.err(), ms: performance.now() - start };
};

describe('a server that cannot be had', () => {
  it.each([
    ['nothing listens', { TEMPORAL_ADDRESS: '127.0.0.1:1' }, 'Cause: connection refused: nothing listens there'],
    ['TLS is not spoken', { TEMPORAL_TLS: 'true' }, 'it does not speak TLS, and TLS is configured here'],
    ['it serves web pages', {}, 'Cause: what answers there is no Temporal server'],
  ])('is told precisely, before the time is up: %s', async (_what, env: Record<string, string>, cause) => {
    const address = await listening(createHttp((_request, response) => response.end()));
    const { code, err, ms } = await list({ TEMPORAL_ADDRESS: address, ...env });
    expect(err).toContain(cause);
    expect(code).toBe(5);
    expect(ms).toBeLessThan(4000);
  });

  it('is one that speaks HTTP/2 and not our protocol', async () => {
    const server = createHttp2((_request, response) => {
      response.writeHead(404);
      response.end();
    });
    expect((await list({ TEMPORAL_ADDRESS: await listening(server) })).code).toBe(5);
  });
});

describe('a server that speaks TLS', () => {
  const place = mkdtempSync(join(folder, 'tls-'));
  execFileSync(fileURLToPath(new URL('../../compose/make-certificates.sh', import.meta.url)), { cwd: place });
  const ours = join(place, 'secrets', 'tls');
  const ca = { TEMPORAL_TLS_SERVER_CA_CERT_PATH: join(ours, 'ca.pem') };

  it.each([
    ['of a CA that is not known', { TEMPORAL_TLS: 'true' }, 'its certificate is of no CA that is known here'],
    ['and wants a certificate', ca, 'it lets in who has a certificate, and none is configured here (TEMPORAL_TLS_CL'],
  ])('says what is missing: %s', async (_what, env: Record<string, string>, cause) => {
    const [key, cert] = ['server.key', 'server.pem'].map((name) => readFileSync(join(ours, name)));
    const tls = { key, cert, ca: readFileSync(join(ours, 'ca.pem')), requestCert: true };
    const server = createSecureServer(tls);
    server.on('sessionError', () => undefined);
    const { code, err } = await list({ TEMPORAL_ADDRESS: await listening(server), ...env });
    expect(err).toContain(`Cause: ${cause}`);
    expect(code).toBe(5);
  });
});

describe('the server of "runbook dev"', () => {
  const state = (pid: number, address = '127.0.0.1:1'): string => {
    const path = mkdtempSync(join(folder, 'state-'));
    writeFileSync(join(path, 'dev-server.json'), JSON.stringify({ address, pid }));
    return path;
  };

  it.each([
    ['gone', spawnSync('true').pid],
    ['gone, and another process has its number', process.pid],
  ])('that is %s is named, with how to start it again', async (_what, pid) => {
    const { code, err } = await list({ RUNBOOK_STATE: state(pid) });
    expect(err).toMatch(
      /^The server that "runbook dev" started at 127\.0\.0\.1:1 is gone\.\n {2}runbook dev {2,}start it again/,
    );
    expect(code).toBe(5);
  });

  it('is not said to be gone where it runs and does not answer, or where another is meant', async () => {
    const address = await listening(createHttp((_request, response) => response.end()));
    const runs = await list({ RUNBOOK_STATE: state(process.pid, address) });
    expect(runs.err).toContain(`Temporal does not answer at ${address}.\n`);
    const { pid } = spawnSync('true');
    const other = await list({ RUNBOOK_STATE: state(pid), TEMPORAL_ADDRESS: '127.0.0.1:2' });
    expect(other.err).toMatch(/^Temporal does not answer at 127\.0\.0\.1:2\.\n/);
  });
});

describe('settings that cannot be meant', () => {
  it.each<[string, Record<string, string>]>([
    ['TEMPORAL_ADDRESS', { TEMPORAL_ADDRESS: 'http://x:1' }],
    ['TEMPORAL_ADDRESS', { TEMPORAL_ADDRESS: '127.0.0.1:abc' }],
    ['TEMPORAL_ADDRESS', { TEMPORAL_ADDRESS: 'temporal:70000' }],
    ['TEMPORAL_ADDRESS', { TEMPORAL_ADDRESS: '' }],
    ['address in temporal.toml', { TEMPORAL_CONFIG_FILE: file('bad.toml', '[profile.default]\naddress = "x:y"\n') }],
    ['TEMPORAL_TLS_SERVER_CA_CERT_PATH', { TEMPORAL_TLS_SERVER_CA_CERT_PATH: file('garbage.pem', 'garbage') }],
    ['TEMPORAL_TLS_SERVER_CA_CERT_DATA', { TEMPORAL_TLS_SERVER_CA_CERT_DATA: 'garbage' }],
    ['TEMPORAL_TLS_SERVER_CA_CERT_PATH', { TEMPORAL_TLS_SERVER_CA_CERT_PATH: join(folder, 'no-such.pem') }],
  ])('are named with the variable or file: %s %j', async (name, env) => {
    const { code, err } = await list(env);
    expect(err).toMatch(/^The connection to Temporal is not configured right\.\n/);
    expect(err).toContain(name);
    expect(code).toBe(2);
  });

  it('are none in an empty file', async () => {
    const { code, err } = await list({ TEMPORAL_ADDRESS: '127.0.0.1:1', TEMPORAL_CONFIG_FILE: file('empty.toml', '') });
    expect(err).toContain('connection refused');
    expect(code).toBe(5);
  });
});
