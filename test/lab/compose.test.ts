import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { check, run, until, type Ran } from '../../lab/shell.ts';
import { temporalServer } from '../../lab/temporal.ts';
import { createSimulation, type Simulation } from '../../simulator/create.ts';
import { SEARCH_ATTRIBUTES } from '../../workflows/messages.ts';
import { readCompose } from './compose/file.ts';
import { up, type Project } from './compose/project.ts';

const ROOT = new URL('../../', import.meta.url);
const PROGRAM = fileURLToPath(new URL('dist/cli/main.js', ROOT));
const TEMPORAL = process.env['RUNBOOK_TEMPORAL'] ?? '';
/** Nobody’s. */
const UID = 61_234;
const NODE = 'elitedesk-1';

/** Where a person would stand: `secrets/` is here. */
const folder = mkdtempSync(join(tmpdir(), 'runbook-compose-'));
const secret = (name: string): string => join(folder, 'secrets', name);
let simulation: Simulation;
let server = '';
let project: Project | undefined;

const upWith = async (overlays: string[], names: string[]): Promise<void> => {
  const files = ['docker-compose.yml', ...overlays].map((name) => new URL(name, ROOT));
  const compose = await readCompose(files, { RUNBOOK_UID: String(UID) });
  const { binDir, repoDir: repo } = simulation;
  const source = fileURLToPath(ROOT);
  project = await up(compose, names, { folder, uid: UID, source, server, temporal: TEMPORAL, binDir, repo });
};
const onTheMachine = (argv: string[], env: Record<string, string> = {}): Promise<Ran> =>
  run(project?.inside(argv) ?? [], {
    env: { PATH: `${simulation.binDir}:${process.env['PATH'] ?? ''}`, RUNBOOK_STATE: join(folder, 'cli'), ...env },
    cwd: simulation.repoDir,
    timeoutMs: 120_000,
  });
const runbook = (argv: string[], env?: Record<string, string>): Promise<Ran> =>
  onTheMachine([process.execPath, PROGRAM, ...argv], env);

beforeAll(async () => {
  server = await temporalServer((line) => process.stderr.write(`lab: ${line}\n`));
  simulation = await createSimulation(join(folder, 'fleet'), { pace: 4 });
  for (const name of ['secrets', 'data', 'home']) mkdirSync(join(folder, name), { mode: 0o700 });
  await check(['sh', '-euc', 'umask 077 && openssl rand -hex 24 >secrets/postgres-password'], { cwd: folder });
  await check([fileURLToPath(new URL('compose/make-certificates.sh', ROOT))], { cwd: folder });
  await check([process.execPath, PROGRAM, 'codec', 'new-key', secret('codec.keys')]);
  chownSync(folder, UID, UID);
  await check(['chown', '-R', `${UID}:${UID}`, 'secrets', 'data', 'home'], { cwd: folder });
  // The worker’s service is root here, and its keys are to be its own.
  chownSync(secret('codec.keys'), 0, 0);
}, 40 * 60_000);
afterAll(async () => {
  await project?.down();
  simulation.dispose();
  rmSync(folder, { recursive: true, force: true });
});

describe('docker-compose.yml, its services as processes over PostgreSQL', () => {
  beforeAll(() => upWith([], ['worker']), 180_000);
  afterAll(() => project?.down());

  it('has a database, a namespace and search attributes as runs need them', async () => {
    const wrong = async (): Promise<{ where: string; verdict: string }[]> =>
      (await runbook(['doctor', '--json'])).stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { where: string; verdict: string })
        .filter(({ where, verdict }) => where === 'Temporal' && verdict !== 'passed');
    // Its metrics are there before it polls.
    await until('nothing of Temporal is missing', async () => {
      const missing = await wrong();
      return missing.length === 0 ? { value: undefined } : { not: JSON.stringify(missing) };
    });
    const listed = await onTheMachine([TEMPORAL, 'operator', 'search-attribute', 'list']);
    for (const name of SEARCH_ATTRIBUTES) expect(listed.stdout).toMatch(new RegExp(`${name}\\s+Keyword`));
    const namespace = await onTheMachine([TEMPORAL, 'operator', 'namespace', 'describe', '--namespace', 'default']);
    expect(namespace.stdout).toMatch(/8760h|365/);
  }, 60_000);

  it('goes on with a run where server and database are killed in the middle of it', async () => {
    simulation.setSpec(NODE, { version: '26.05.2' });
    expect((await runbook(['start', 'safe-upgrade', '--node', NODE, '--detach'])).exitCode).toBe(0);
    const show = async (): Promise<string> => (await runbook(['show', `safe-upgrade/${NODE}`, '--json'])).stdout;
    await until('a step is under way', async () => {
      const text = await show();
      return /"state":\s*"running"/i.test(text) ? { value: text } : { not: text };
    });
    await Promise.all([project?.killed('postgresql'), project?.killed('temporal')]);
    expect(await show()).toMatch(/"status":\s*"Running"/);
    const watched = await runbook(['watch', `safe-upgrade/${NODE}`]);
    expect([watched.exitCode, watched.stdout]).toEqual([0, expect.stringContaining('26.05.2')]);
    expect(simulation.unknown()).toEqual([]);
  }, 180_000);

  it('serves the worker’s metrics beyond its container', async () => {
    const script = "fetch('http://127.0.0.1:9464/metrics').then((r) => r.text()).then(console.log)";
    const asked = await onTheMachine([process.execPath, '-e', script]);
    expect(asked.stdout).toContain('runbook_');
  });
});

describe('with TLS and encryption over the same data', () => {
  const ca = { TEMPORAL_TLS_SERVER_CA_CERT_PATH: secret('tls/ca.pem') };
  const client = {
    TEMPORAL_TLS_CLIENT_CERT_PATH: secret('tls/client.pem'),
    TEMPORAL_TLS_CLIENT_KEY_PATH: secret('tls/client.key'),
  };
  const keys = { RUNBOOK_CODEC_KEYS: secret('codec.keys') };
  beforeAll(() => upWith(['compose/encrypted.yaml', 'compose/tls.yaml'], ['worker', 'codec-server']), 180_000);
  afterAll(() => project?.down());

  it('still has the runs, and lets worker and command line in by their certificate', async () => {
    const all = { ...ca, ...client, ...keys };
    const listed = await runbook(['list'], all);
    expect([listed.exitCode, listed.stdout]).toEqual([0, expect.stringContaining(`safe-upgrade/${NODE}`)]);
    const planned = await runbook(['plan', 'safe-upgrade', '--node', NODE], all);
    expect([planned.exitCode, planned.stderr]).toEqual([0, '']);
  }, 120_000);

  it.each([
    ['nothing', {}, 'perhaps it speaks TLS, and none is configured here'],
    ['the CA alone', ca, 'it lets in who has a certificate, and none is configured here'],
    ['no CA', { TEMPORAL_TLS: 'true' }, 'its certificate is of no CA that is known here'],
  ])(
    'refuses who has %s, and says so',
    async (_what, env, cause) => {
      const { exitCode, stderr } = await runbook(['list'], env);
      expect([exitCode, stderr]).toEqual([5, expect.stringContaining(cause)]);
      const worker = await runbook(['worker'], env);
      expect(worker.stderr).toContain('Temporal does not answer at localhost:7233');
      expect(worker.exitCode).toBeGreaterThan(0);
    },
    60_000,
  );

  it('keeps what it is given encrypted, for its codec server to read', async () => {
    const id = `safe-upgrade/${NODE}`;
    const all = { ...ca, ...client };
    const started = await runbook(['start', 'safe-upgrade', '--node', NODE], { ...all, ...keys });
    expect(started.exitCode).toBe(0);
    const history = ['workflow', 'show', '--workflow-id', id, '--output', 'json'];
    const plain = await onTheMachine([TEMPORAL, ...history], all);
    // As Temporal’s own program prints it: `binary/encrypted`.
    const mark = Buffer.from('binary/encrypted').toString('base64');
    expect(plain.stdout).toContain(mark);
    const read = await onTheMachine([TEMPORAL, ...history, '--codec-endpoint', 'http://127.0.0.1:8081'], all);
    expect(read.stdout).not.toContain(mark);
    expect(read.stdout).toContain(NODE);
  }, 120_000);
});
