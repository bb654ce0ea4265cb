import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { check } from '../../lab/shell.ts';
import { installTools } from '../../lab/tools.ts';
import type { Approval, RunView } from '../../plan/run.ts';
import type { infraApply } from '../../workflows/infra-apply.ts';
import { DECIDE_UPDATE, TASK_QUEUE, VIEW_QUERY } from '../../workflows/messages.ts';
import { eventually } from '../hosts/eventually.ts';
import { viewOf } from '../temporal/simulated-fleet.ts';
import { startStateServer, type StateServer } from './state-server.ts';
import { aLabWorker } from './worker.ts';

const TIMEOUT_MS = 300_000;
const VERBS = ['init', 'plan', 'show', 'state', 'apply'] as const;
type Verb = (typeof VERBS)[number];

/** Made first: the worker is started with them. */
const dir = mkdtempSync(join(tmpdir(), 'runbook-terraform-'));
const repo = join(dir, 'repo');
const bin = join(dir, 'bin');

/**
 * The real one, held up before it begins where a file says so, so that the worker can be killed there. Without a
 * configuration of its user's.
 */
const HELD = `#!/bin/sh
unset TF_CLI_CONFIG_FILE
for verb in ${VERBS.join(' ')}; do
case " $* " in *" $verb "*) while [ -e '${dir}/hold-'$verb ]; do : >'${dir}/reached-'$verb; sleep 0.05; done; break;; esac
done
exec '${dir}/real/terraform' "$@"
`;

describe('infra-apply with the real Terraform', () => {
  let server: StateServer;
  beforeAll(async () => {
    mkdirSync(join(dir, 'real'));
    mkdirSync(bin);
    await installTools(join(dir, 'real'), (line) => process.stderr.write(`lab: ${line}\n`), 'terraform');
    writeFileSync(join(bin, 'terraform'), HELD, { mode: 0o755 });
    mkdirSync(repo);
    await check(['git', '-C', repo, 'init', '-q', '-b', 'main']);
    server = await startStateServer();
    await commit(local, resource('first'));
  }, 20 * 60_000);
  afterAll(async () => {
    await server.stop();
    rmSync(dir, { recursive: true, force: true });
  });
  const worker = aLabWorker(() => ({ repo, env: { PATH: `${bin}:${process.env['PATH'] ?? ''}` } }));
  beforeEach(() => {
    for (const name of ['states', 'backups', 'done']) rmSync(join(dir, name), { recursive: true, force: true });
    writeFileSync(environmentFile, 'TF_VAR_secret=hunter2\n', { mode: 0o600 });
  });

  const environmentFile = join(dir, 'environment');
  const commit = async (state: object, module: string): Promise<string> => {
    const infra = { state, stateBackups: { dir: join(dir, 'backups') }, environmentFile, lockTimeout: '1s' };
    const file = `version: 1\nname: lab\nmembers:\n  n1: { address: 127.0.0.1 }\ninfra: ${JSON.stringify(infra)}\n`;
    const files = { 'runbook.yaml': file, 'infra/incus/n1/main.tf': module };
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(repo, path)), { recursive: true });
      writeFileSync(join(repo, path), text);
    }
    const git = ['git', '-C', repo, '-c', 'user.name=lab', '-c', 'user.email=lab@localhost'];
    await check([...git, 'add', '-A']);
    await check([...git, 'commit', '-q', '--allow-empty', '-m', 'next']);
    return (await check([...git, 'rev-parse', 'HEAD'])).trim();
  };
  const local = { type: 'local', dir: join(dir, 'states') };
  const start = (revision: string): Promise<WorkflowHandle<typeof infraApply>> =>
    worker().env.client.workflow.start<typeof infraApply>('infraApply', {
      taskQueue: TASK_QUEUE,
      workflowId: 'infra-apply/n1',
      args: [{ fleet: { revision }, actor: 'tester', planOnly: false, node: 'n1' }],
    });
  const asked = async (handle: WorkflowHandle, id: string): Promise<Approval> => {
    let approval: RunView['approval'];
    const view = () => handle.query<RunView>(VIEW_QUERY).catch(() => undefined);
    await eventually(`it asks ${id}`, async () => (approval = (await view())?.approval)?.id === id, 60_000);
    return approval as Approval;
  };
  const agree = async (handle: WorkflowHandle, id = 'plan-1'): Promise<Approval> => {
    const approval = await asked(handle, id);
    const { plan = '', names } = approval;
    const args = { approved: true, actor: 'Ada', reason: 'so be it', plan, ...(names === undefined ? {} : { names }) };
    await handle.executeUpdate(DECIDE_UPDATE, { args: [args] });
    return approval;
  };
  const done = (): string[] =>
    existsSync(join(dir, 'done')) ? readFileSync(join(dir, 'done'), 'utf8').trim().split('\n') : [];
  /** Notes that it was made; `before` runs first. */
  const resource = (name: string, before = 'true', more = ''): string =>
    `resource "terraform_data" "${name}" {\n${more}\n  provisioner "local-exec" {\n    command = "${before}; echo ${name} >>${dir}/done"\n  }\n}\n`;
  const hold = (verb: Verb): void => {
    rmSync(join(dir, `reached-${verb}`), { force: true });
    writeFileSync(join(dir, `hold-${verb}`), '');
  };
  const reached = (verb: Verb): Promise<void> =>
    eventually(`${verb} is reached`, () => Promise.resolve(existsSync(join(dir, `reached-${verb}`))), 60_000);
  const release = (verb: Verb): void => {
    rmSync(join(dir, `hold-${verb}`), { force: true });
  };
  const killAt = async (verb: Verb): Promise<void> => {
    await reached(verb);
    await worker().kill();
    release(verb);
    await worker().restart();
  };

  it(
    'goes on where its worker is killed at every command, and does everything once',
    async () => {
      const revision = await commit(local, `${resource('one')}${resource('two', 'sleep 2')}`);
      for (const verb of VERBS) hold(verb);
      const handle = await start(revision);
      for (const verb of ['init', 'plan', 'show', 'state'] as const) await killAt(verb);
      await asked(handle, 'plan-1');
      await worker().kill();
      await worker().restart();
      hold('state');
      await agree(handle);
      await killAt('state');
      await killAt('apply');
      hold('plan');
      await killAt('plan');
      const { result } = await viewOf(handle);
      expect(result).toMatchObject({ outcome: 'Done', summary: 'n1 is as infra/incus/n1 says, as Ada approved.' });
      expect(done()).toEqual(['one', 'two']);
      expect((await viewOf(await start(revision))).result).toMatchObject({ outcome: 'AlreadySo' });
    },
    TIMEOUT_MS,
  );

  it(
    'applies a plan that its worker has begun and did not see to its end, once',
    async () => {
      const handle = await start(await commit(local, resource('slow', `: >${dir}/begun; sleep 3`)));
      await agree(handle);
      await eventually('it is at work', () => Promise.resolve(existsSync(join(dir, 'begun'))), 60_000);
      await worker().kill();
      await worker().restart();
      expect((await viewOf(handle)).result).toMatchObject({ outcome: 'Done' });
      expect(done()).toEqual(['slow']);
    },
    TIMEOUT_MS,
  );

  it(
    'tells nobody of a secret that Terraform itself puts into an error',
    async () => {
      const secret = 'variable "secret" {\n  sensitive = true\n}\n';
      const failing = 'provisioner "local-exec" {\n    command = "echo ${self.input}; exit 7"\n  }';
      const module = `${secret}resource "terraform_data" "bad" {\n  input = var.secret\n  ${failing}\n}\n`;
      const handle = await start(await commit(local, module));
      const { consequences } = await agree(handle);
      expect(consequences[0]).toContain('create terraform_data.bad: input (sensitive)');
      const { result } = await viewOf(handle);
      expect(result?.failure).toMatchObject({
        ...{ type: 'TerraformFailed' },
        message: 'terraform_data.bad: local-exec provisioner error (exit status 7)',
      });
      const { events } = await handle.fetchHistory();
      const texts = (events ?? []).map((event) => JSON.stringify(event, plain));
      expect(texts.join('\n')).toContain('exit status 7');
      expect(texts.join('\n')).not.toContain('hunter2');
      expect(statSync(join(dir, 'states/n1.tfstate')).mode & 0o777).toBe(0o600);
    },
    TIMEOUT_MS,
  );

  it(
    'keeps what could not be saved, and says whose a lock is as far as the backend tells',
    async () => {
      const [address, quoted] = [server.address, JSON.stringify(server.address)];
      expect(address).toContain('127.0.0.1');
      const backend = `terraform {\n  backend "http" {\n    address = ${quoted}\n    lock_address = ${quoted}\n    unlock_address = ${quoted}\n    retry_max = 0\n  }\n}\n`;
      const handle = await start(await commit({ type: 'backend' }, `${backend}${resource('one')}`));
      await asked(handle, 'plan-1');
      server.refuse(true);
      await agree(handle);
      const { result } = await viewOf(handle);
      expect(result?.failure).toMatchObject({ type: 'StateNotSaved' });
      const [kept = ''] = readdirSync(join(dir, 'backups/n1')).filter((name) => name.endsWith('-errored.tfstate'));
      expect(result?.failure?.message).toContain(kept);
      expect(readFileSync(join(dir, 'backups/n1', kept), 'utf8')).toContain('terraform_data');
      expect(statSync(join(dir, 'backups/n1', kept)).mode & 0o777).toBe(0o600);
      server.refuse(false);
      const revision = await commit({ type: 'backend' }, `${backend}${resource('slow', `: >${dir}/begun; sleep 60`)}`);
      rmSync(join(dir, 'begun'), { force: true });
      const killed = await start(revision);
      await agree(killed);
      await eventually('it is at work', () => Promise.resolve(existsSync(join(dir, 'begun'))), 60_000);
      killApply();
      const ended = await viewOf(killed);
      expect(ended.result?.failure?.message).toMatch(
        /^The state of n1 is locked by somebody whom the backend does not name; the lock's id is [0-9a-f-]{36}\.$/,
      );
      expect(server.lock()).toContain('OperationTypeApply');
    },
    TIMEOUT_MS,
  );
});

/** As the kernel does where memory is short: the one that was started from here. */
function killApply(): void {
  const words = (pid: string): string => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ');
    } catch {
      return '';
    }
  };
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const found = pids.filter((pid) => words(pid).startsWith(`${dir}/real/terraform `) && words(pid).includes(' apply '));
  expect(found).toHaveLength(1);
  for (const pid of found) process.kill(Number(pid), 'SIGKILL');
}

/** Payloads of a history are bytes. */
const plain = (_key: string, value: unknown): unknown =>
  value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : value;
