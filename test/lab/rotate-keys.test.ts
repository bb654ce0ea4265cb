import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import type { RunView } from '../../plan/run.ts';
import { DECIDE_UPDATE, TASK_QUEUE, VIEW_QUERY } from '../../workflows/messages.ts';
import type { rotateKeys } from '../../workflows/rotate-keys.ts';
import { eventually } from '../hosts/eventually.ts';
import { viewOf } from '../temporal/simulated-fleet.ts';
import { aLab } from './a-lab.ts';
import { watchCommands } from './watch-commands.ts';
import { whatIsKept } from './what-is-kept.ts';
import { aLabWorker } from './worker.ts';

const lab = aLab();
const worker = aLabWorker(lab);
const GUEST = 'g1';
const KEY_FILE = '/var/lib/sops-nix/key.txt';
const CANARY = 'canary-of-the-lab';
const FILE = 'secrets/edge.enc.yaml';
/** Steps during which a worker is killed: all that act, and those that verify. */
const KILLED_IN = [
  'make-key',
  'hand-over',
  'deploy-hand-over',
  'verify-hand-over',
  'cut',
  'deploy-cut',
  'verify-cut',
  'retire-key',
];

describe('the key of a real guest', () => {
  let folder: string;
  let old: string;
  let operator: string;
  const repo = (): string => lab().repo;
  const env = (keyFile: string) => ({ ...process.env, ...lab().env, SOPS_AGE_KEY_FILE: keyFile, HOME: folder });
  const here = (argv: string[], keyFile = join(folder, 'operator')): string =>
    execFileSync(argv[0] ?? '', argv.slice(1), {
      encoding: 'utf8',
      env: env(keyFile),
      cwd: repo(),
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim();
  const git = (...args: string[]): string =>
    here(['git', '-c', 'user.name=lab', '-c', 'user.email=lab@localhost', ...args]);
  const inGuest = async (...argv: string[]): Promise<string> => {
    const { stdout, stderr, exitCode } = await lab().run('n1', ['incus', 'exec', GUEST, '--', ...argv]);
    if (exitCode !== 0) throw new Error(stderr);
    return stdout.trim();
  };
  const privateKeys = async (): Promise<string[]> =>
    (await inGuest('cat', KEY_FILE)).match(/AGE-SECRET-KEY-1[A-Z0-9]+/g) ?? [];
  const start = (): Promise<WorkflowHandle<typeof rotateKeys>> =>
    worker().env.client.workflow.start<typeof rotateKeys>('rotateKeys', {
      taskQueue: TASK_QUEUE,
      workflowId: `rotate-keys/${GUEST}`,
      args: [{ fleet: { revision: git('rev-parse', 'HEAD') }, actor: 'tester', planOnly: false, guest: GUEST }],
    });
  const viewNow = (handle: WorkflowHandle): Promise<RunView> => handle.query<RunView>(VIEW_QUERY);
  const approve = async (handle: WorkflowHandle): Promise<void> => {
    await eventually('it asks', async () => (await viewNow(handle)).approval?.id === 'rotate', 120_000);
    await handle.executeUpdate(DECIDE_UPDATE, { args: [{ approved: true, actor: 'ada', reason: 'test' }] });
  };

  beforeAll(async () => {
    await lab().installTools();
    folder = mkdtempSync(join(tmpdir(), 'runbook-rotation-'));
    here(['age-keygen', '-o', join(folder, 'operator')]);
    operator = here(['age-keygen', '-y', join(folder, 'operator')]);
    await inGuest('sh', '-c', `umask 077; mkdir -p /var/lib/sops-nix; rm -f ${KEY_FILE}*; age-keygen -o ${KEY_FILE}`);
    old = await inGuest('age-keygen', '-y', KEY_FILE);
    mkdirSync(join(repo(), 'secrets'));
    writeFileSync(
      join(repo(), 'secrets/sops.yaml'),
      `keys:\n  - &operator ${operator} # in the safe\n  - &g1 ${old}\ncreation_rules:\n  - path_regex: ^edge\n    key_groups:\n      - age: [*operator, *g1]\n`,
    );
    writeFileSync(join(repo(), FILE), `caddy:\n  token: ${CANARY}\n`);
    here(['sops', '--config', 'secrets/sops.yaml', 'encrypt', '--in-place', FILE]);
    const fleetFile = readFileSync(join(repo(), 'runbook.yaml'), 'utf8');
    writeFileSync(
      join(repo(), 'runbook.yaml'),
      `${fleetFile}secrets:\n  identityFile: ${join(folder, 'operator')}\n  push: { remote: origin, branch: main }\n`,
    );
    git('add', '--all');
    git('commit', '--quiet', '--message', 'secrets');
    git('clone', '--quiet', '--bare', '.', join(folder, 'remote'));
    git('remote', 'add', 'origin', join(folder, 'remote'));
    const view = await worker().upgrade(GUEST, git('rev-parse', 'HEAD'));
    expect(['Done', 'AlreadySo']).toContain(view.result?.outcome);
  }, 600_000);
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('is another one in the end, whenever the worker is killed, and nobody has seen it or a secret', async () => {
    const oldKeys = await privateKeys();
    const seen = watchCommands();
    const handle = await start();
    await approve(handle);
    for (const id of KILLED_IN) {
      await eventually(
        `${id} runs`,
        async () => (await viewNow(handle)).steps.find((step) => step.id === id)?.state !== 'pending',
        300_000,
      );
      await worker().kill();
      // Whatever moment it was killed at, the operator can decrypt what is published.
      git('fetch', '--quiet', 'origin');
      writeFileSync(join(folder, 'published.yaml'), git('show', `origin/main:${FILE}`));
      expect(here(['sops', 'decrypt', join(folder, 'published.yaml')])).toContain(CANARY);
      await worker().restart();
    }
    const view = await viewOf(handle);
    expect(view.result).toMatchObject({ outcome: 'Done' });
    const [next = '', ...more] = (await inGuest('age-keygen', '-y', KEY_FILE)).split('\n');
    expect(more).toEqual([]);
    expect(next).not.toBe(old);
    expect(await inGuest('ls', '/var/lib/sops-nix')).toBe('key.txt');
    git('fetch', '--quiet', 'origin');
    expect(git('rev-list', '--count', 'HEAD..origin/main')).toBe('2');
    const published = git('show', `origin/main:${FILE}`);
    expect([published.includes(next), published.includes(old)]).toEqual([true, false]);
    expect(view.result?.left.join()).toContain('caddy.token');
    // A private key has a public one, and nobody but the guest and the operator has either’s.
    const secrets = [CANARY, ...oldKeys, ...(await privateKeys())];
    expect(secrets).toHaveLength(3);
    const kept = whatIsKept({ history: await handle.fetchHistory(), view, repo: repo() });
    expect(kept.includes('AGE-SECRET-KEY-1')).toBe(false);
    // Others that work on this machine have keys of their own.
    const all = [kept, ...seen()].join('\n');
    for (const secret of secrets) expect(all.includes(secret)).toBe(false);
  }, 900_000);
});
