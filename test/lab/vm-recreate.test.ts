import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { parse, stringify } from 'yaml';
import type { RunView } from '../../plan/run.ts';
import { DECIDE_UPDATE, TASK_QUEUE, VIEW_QUERY } from '../../workflows/messages.ts';
import type { vmRecreate } from '../../workflows/vm-recreate.ts';
import { eventually } from '../hosts/eventually.ts';
import { sshArgv } from '../../lab/ssh.ts';
import { viewOf } from '../temporal/simulated-fleet.ts';
import { aLab } from './a-lab.ts';
import { watchCommands } from './watch-commands.ts';
import { whatIsKept } from './what-is-kept.ts';
import { aLabWorker } from './worker.ts';

const lab = aLab();
const worker = aLabWorker(lab);
const [GUEST, MEMBER, VOLUME] = ['g3', 'n3', 'g3-data'];
const KEY_FILE = '/var/lib/sops-nix/key.txt';
const CANARY = 'canary-of-the-lab';
const FILE = 'secrets/edge.enc.yaml';
const DATA = '/srv/data/precious';
/** Steps during which a worker is killed: all that act, and the one that verifies. */
const KILLED_IN = ['set-aside', 'create', 'make-key', 'reencrypt', 'deploy', 'attach', 'verify', 'end-old'];

describe('a real guest that is made anew', () => {
  let folder: string;
  const repo = (): string => lab().repo;
  const here = (argv: string[], keyFile = join(folder, 'operator')): string =>
    execFileSync(argv[0] ?? '', argv.slice(1), {
      encoding: 'utf8',
      env: { ...process.env, ...lab().env, SOPS_AGE_KEY_FILE: keyFile, HOME: folder },
      cwd: repo(),
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim();
  const git = (...args: string[]): string =>
    here(['git', '-c', 'user.name=lab', '-c', 'user.email=lab@localhost', ...args]);
  const on = async (node: string, ...argv: string[]): Promise<string> => {
    const { stdout, stderr, exitCode } = await lab().run(node, argv, { timeoutMs: 180_000 });
    if (exitCode !== 0) throw new Error(`${node}: ${argv.join(' ')}: ${stderr}`);
    return stdout.trim();
  };
  const inGuest = (...argv: string[]): Promise<string> => on('n1', 'incus', 'exec', GUEST, '--', ...argv);
  const privateKeys = async (): Promise<string[]> =>
    (await inGuest('cat', KEY_FILE)).match(/AGE-SECRET-KEY-1[A-Z0-9]+/g) ?? [];
  const keyInGuest = (): Promise<string> => inGuest('age-keygen', '-y', KEY_FILE);
  const instances = async (): Promise<{ name: string; status: string; volumes: string[] }[]> => {
    const found = JSON.parse(await on('n1', 'incus', 'list', '-f', 'json')) as {
      name: string;
      status: string;
      // null while its member is taken for away.
      expanded_devices: Record<string, { source?: string }> | null;
    }[];
    return found
      .filter(({ name }) => name.startsWith(GUEST))
      .map(({ name, status, expanded_devices: devices }) => ({
        ...{ name, status },
        volumes: Object.values(devices ?? {}).flatMap(({ source = '' }) => (source === VOLUME ? [source] : [])),
      }));
  };
  const start = (): Promise<WorkflowHandle<typeof vmRecreate>> =>
    worker().env.client.workflow.start<typeof vmRecreate>('vmRecreate', {
      taskQueue: TASK_QUEUE,
      workflowId: `vm-recreate/${GUEST}`,
      args: [
        {
          ...{ fleet: { revision: git('rev-parse', 'HEAD') }, actor: 'tester', planOnly: false, guest: GUEST },
          keepOld: '7d',
        },
      ],
    });
  const viewNow = (handle: WorkflowHandle): Promise<RunView> => handle.query<RunView>(VIEW_QUERY);
  const approve = async (handle: WorkflowHandle): Promise<void> => {
    await eventually('it asks', async () => (await viewNow(handle)).approval?.id === 'recreate', 180_000);
    const { plan } = (await viewNow(handle)).approval ?? {};
    const answer = { approved: true, actor: 'ada', reason: 'test', ...(plan === undefined ? {} : { plan }) };
    await handle.executeUpdate(DECIDE_UPDATE, { args: [answer] });
  };
  const published = (): string => {
    git('fetch', '--quiet', 'origin');
    return git('show', `origin/main:${FILE}`);
  };
  /** By a key file. Throws where it cannot. */
  const decrypted = (text: string, keyFile?: string): string => {
    writeFileSync(join(folder, 'published.yaml'), text);
    return here(['sops', 'decrypt', join(folder, 'published.yaml')], keyFile);
  };
  const commitFleet = (change: (fleet: Fleet) => void): void => {
    const path = join(repo(), 'runbook.yaml');
    const fleet = parse(readFileSync(path, 'utf8')) as Fleet;
    change(fleet);
    writeFileSync(path, stringify(fleet));
    git('add', '--all');
    git('commit', '--quiet', '--message', 'the fleet');
    git('push', '--quiet', 'origin', 'HEAD:main');
  };
  /** One runs, with its volume and what is in it; no other runs or has the volume. */
  const expectOne = async (): Promise<void> => {
    const all = await instances();
    expect(all.filter(({ status }) => status === 'Running').map(({ name }) => name)).toEqual([GUEST]);
    expect(all.filter(({ volumes }) => volumes.length > 0).map(({ name }) => name)).toEqual([GUEST]);
    expect(await inGuest('cat', DATA)).toBe('precious');
  };
  /** Of every file of the volume. */
  const sums = (): Promise<string> =>
    inGuest('sh', '-c', 'cd /srv/data && find . -type f -print0 | sort -z | xargs -0 sha256sum');
  const pull = (): string => git('pull', '--quiet', '--ff-only', 'origin', 'main');

  beforeAll(async () => {
    await lab().installTools(undefined, 'sops');
    folder = mkdtempSync(join(tmpdir(), 'runbook-recreate-'));
    await publishImage();
    await inGuest(
      'sh',
      '-c',
      `umask 077; mkdir -p /var/lib/sops-nix; age-keygen -o ${KEY_FILE}; echo precious >${DATA}`,
    );
    here(['age-keygen', '-o', join(folder, 'operator')]);
    const operator = here(['age-keygen', '-y', join(folder, 'operator')]);
    mkdirSync(join(repo(), 'secrets'));
    writeFileSync(
      join(repo(), 'secrets/sops.yaml'),
      `keys:\n  - &operator ${operator} # in the safe\n  - &${GUEST} ${await keyInGuest()}\ncreation_rules:\n  - path_regex: ^edge\n    key_groups:\n      - age: [*operator, *${GUEST}]\n`,
    );
    writeFileSync(join(repo(), FILE), `caddy:\n  token: ${CANARY}\n`);
    here(['sops', '--config', 'secrets/sops.yaml', 'encrypt', '--in-place', FILE]);
    git('init', '--quiet', '--bare', join(folder, 'remote'));
    git('remote', 'add', 'origin', join(folder, 'remote'));
    commitFleet((fleet) => {
      fleet.guests[GUEST] = {
        ...fleet.guests[GUEST],
        create: {
          ...{ type: 'incus', image: 'nixos', config: { 'security.nesting': 'true', 'boot.autostart': 'true' } },
          devices: {
            ...{ usr: disk('/usr'), lab: disk('/etc/lab') },
            data: dataDevice,
          },
        },
      };
      fleet.secrets = { identityFile: join(folder, 'operator'), push: { remote: 'origin', branch: 'main' } };
    });
  }, 20 * 60_000);
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  /** What the guest is, but for its keys: those of age and of ssh are made by whoever boots from it. */
  async function publishImage(): Promise<void> {
    const drop = '/etc/systemd/system/ssh.service.d';
    await inGuest('mkdir', '-p', drop);
    await on(
      GUEST,
      ...['sh', '-c', 'printf %s "$1" >"$2"', 'sh'],
      ...['[Service]\nExecStartPre=\nExecStartPre=/usr/bin/ssh-keygen -A\n', `${drop}/keys.conf`],
    );
    // The volume is none of the image.
    await inGuest('sh', '-c', 'mkdir /srv/data/ssh && mv /etc/ssh/ssh_host_* /srv/data/ssh && sync');
    await on('n1', 'incus', 'stop', '--force', GUEST);
    await on('n1', 'incus', 'publish', '-q', GUEST, '--alias', 'nixos');
    await on('n1', 'incus', 'start', GUEST);
    const state = async (): Promise<string> => (await lab().run(GUEST, ['systemctl', 'is-system-running'])).stdout;
    await eventually('it has booted', async () => /^(?:running|degraded)$/m.test(await state()), 60_000);
    await inGuest('sh', '-c', 'mv /srv/data/ssh/* /etc/ssh && rmdir /srv/data/ssh && systemctl restart ssh');
    await lab().online();
  }

  it('is given back as it was where it is cancelled, and the new one goes though it is protected', async () => {
    const key = await keyInGuest();
    const nic = ['nictype=bridged', 'parent=br0', 'name=eth1'];
    await on('n1', 'incus', 'config', 'device', 'add', GUEST, 'more', 'nic', ...nic);
    const address = (): Promise<string> => on('n1', 'incus', 'config', 'get', GUEST, 'volatile.more.hwaddr');
    const [addressBefore, sumsBefore] = [await address(), await sums()];
    expect(addressBefore).toMatch(/^(?:[0-9a-f]{2}:){5}[0-9a-f]{2}$/);
    commitFleet((fleet) => {
      const { create } = fleet.guests[GUEST] as { create: { config: Record<string, string> } };
      create.config['security.protection.delete'] = 'true';
    });
    const handle = await start();
    await approve(handle);
    const isMade = async (): Promise<boolean> =>
      (await viewNow(handle)).steps.find(({ id }) => id === 'make-key')?.state !== 'pending';
    await eventually('the new one runs', isMade, 300_000);
    await handle.cancel();
    const { result } = await viewOf(handle);
    expect(result).toMatchObject({ outcome: 'RolledBack', failure: { type: 'Cancelled' } });
    await expectOne();
    expect(await instances()).toHaveLength(1);
    expect(await keyInGuest()).toBe(key);
    expect([await address(), await sums()]).toEqual([addressBefore, sumsBefore]);
    await on('n1', 'incus', 'config', 'device', 'remove', GUEST, 'more');
    const config = await on('n1', 'incus', 'config', 'show', GUEST);
    expect(config).not.toContain('user.runbook');
    expect(config).toContain('boot.autostart: "true"');
    git('revert', '--no-edit', 'HEAD');
    git('push', '--quiet', 'origin', 'HEAD:main');
  }, 600_000);

  it('has another key and its data, whenever the worker is killed, and nobody has seen a key or a secret', async () => {
    const old = await keyInGuest();
    const sumsBefore = await sums();
    const before = published();
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
      // Whatever moment it was killed at: who can decrypt, runs and has the volume is right.
      expect(decrypted(published())).toContain(CANARY);
      const all = await instances();
      expect(all.filter(({ status }) => status === 'Running').length).toBeLessThanOrEqual(1);
      expect(all.filter(({ volumes }) => volumes.length > 0).length).toBeLessThanOrEqual(1);
      await worker().restart();
    }
    const view = await viewOf(handle);
    expect(view.result).toMatchObject({ outcome: 'Done' });
    await expectOne();
    expect(await sums()).toBe(sumsBefore);
    const aside = `${GUEST}-${view.name}`;
    expect((await instances()).map(({ name, status }) => `${name} ${status}`).sort()).toEqual([
      `${GUEST} Running`,
      `${aside} Stopped`,
    ]);
    const next = await keyInGuest();
    expect(next).not.toBe(old);
    const after = published();
    expect([after.includes(next), after.includes(old)]).toEqual([true, false]);
    // By the old key itself, which only this test takes out of where it is.
    writeFileSync(join(folder, 'old'), await on('n1', 'incus', 'file', 'pull', '-q', `${aside}${KEY_FILE}`, '-'), {
      mode: 0o600,
    });
    expect(decrypted(before, join(folder, 'old'))).toContain(CANARY);
    expect(() => decrypted(after, join(folder, 'old'))).toThrow(/data key/);
    expect(view.result?.left.join()).toContain('caddy.token');
    const secrets = [CANARY, ...oldKeys, ...(await privateKeys())];
    expect(secrets).toHaveLength(3);
    const kept = whatIsKept({ history: await handle.fetchHistory(), view, repo: repo() });
    expect(kept.includes('AGE-SECRET-KEY-1')).toBe(false);
    // Others that work on this machine have keys of their own.
    const all = [kept, ...seen()].join('\n');
    for (const secret of secrets) expect(all.includes(secret)).toBe(false);
  }, 1_200_000);

  /** The provider cannot be had here: what it would do is done by a provisioner, which calls incus. */
  async function byTerraform(): Promise<{ states: string; terraform: (...words: string[]) => string }> {
    await lab().installTools(undefined, 'terraform');
    const states = join(folder, 'states');
    const infra = join(repo(), 'infra/incus', MEMBER);
    const devices = { usr: disk('/usr'), lab: disk('/etc/lab'), data: dataDevice };
    const script = join(folder, 'make.sh');
    const incus = [...sshArgv(lab().record, 'n1', ['incus'])].join(' ');
    const input = JSON.stringify({ config: { 'security.nesting': 'true', 'boot.autostart': 'true' }, devices });
    writeFileSync(script, `${incus} launch --quiet --target ${MEMBER} nixos ${GUEST} <<'END'\n${input}\nEND\n`);
    // By hand beside the clone, which is to have nothing that is in no commit.
    const byHand = join(folder, 'by-hand');
    for (const each of [infra, byHand]) mkdirSync(each, { recursive: true });
    const resource = { input: GUEST, provisioner: [{ 'local-exec': { command: `sh ${script}` } }] };
    const other = { input: 'as it is' };
    const backend = { local: { path: join(states, `${MEMBER}.tfstate`) } };
    const main = { terraform: { backend }, resource: { terraform_data: { [GUEST]: resource, other } } };
    for (const each of [infra, byHand]) writeFileSync(join(each, 'main.tf.json'), JSON.stringify(main));
    commitFleet((fleet) => {
      fleet.infra = { state: { type: 'local', dir: states }, stateBackups: { dir: join(folder, 'copies') } };
      fleet.guests[GUEST] = {
        ...fleet.guests[GUEST],
        create: { type: 'terraform', address: `terraform_data.${GUEST}` },
      };
    });
    const terraform = (...words: string[]): string => here(['terraform', `-chdir=${byHand}`, ...words]);
    return { states, terraform };
  }

  it('is made anew by Terraform, which has nothing to do afterwards, also where it is taken back', async () => {
    pull();
    const { states, terraform } = await byTerraform();
    terraform('init', '-input=false');
    // As if Terraform had made the one that is there.
    const known = {
      ...{ version: 4, terraform_version: '1.5.7', serial: 1, lineage: 'of-the-lab', outputs: {} },
      resources: [GUEST, 'other'].map((name) => stored(name, name === GUEST ? GUEST : 'as it is')),
    };
    mkdirSync(states, { recursive: true });
    writeFileSync(join(states, `${MEMBER}.tfstate`), JSON.stringify(known));
    const plan = (): string => terraform('plan', '-input=false', '-detailed-exitcode', '-lock=false');
    const ids = (): string[] => terraform('state', 'pull').match(/"id": "[^"]*"/g) ?? [];
    plan();
    const before = ids();
    const old = await keyInGuest();
    const fails = join(folder, 'make.sh');
    const made = readFileSync(fails, 'utf8');
    // Half-made: there is one, and Terraform takes it for tainted.
    writeFileSync(fails, `${made}exit 7\n`);
    const back = await start();
    await approve(back);
    expect((await viewOf(back)).result).toMatchObject({ outcome: 'RolledBack' });
    await expectOne();
    expect(await keyInGuest()).toBe(old);
    expect(ids()).toEqual(before);
    plan();
    writeFileSync(fails, made);
    const handle = await start();
    await approve(handle);
    for (const id of ['forget', 'apply-1', 'create', 'settle']) {
      await eventually(
        `${id} runs`,
        async () => (await viewNow(handle)).steps.find((step) => step.id === id)?.state !== 'pending',
        300_000,
      );
      await worker().kill();
      await worker().restart();
    }
    expect((await viewOf(handle)).result).toMatchObject({ outcome: 'Done' });
    await expectOne();
    expect(await keyInGuest()).not.toBe(old);
    expect(ids()).not.toEqual(before);
    expect(ids()[1]).toBe(before[1]);
    plan();
  }, 1_200_000);

  it('is made anew where it is dead, and where it is gone', async () => {
    for (const end of [
      ['stop', '--force', GUEST],
      ['delete', '--force', GUEST],
    ]) {
      pull();
      const old = await keyInGuest();
      await on('n1', 'incus', ...end);
      const handle = await start();
      await approve(handle);
      expect((await viewOf(handle)).result).toMatchObject({ outcome: 'Done' });
      await expectOne();
      expect(await keyInGuest()).not.toBe(old);
      expect(decrypted(published())).toContain(CANARY);
    }
    expect(await on(MEMBER, 'incus', 'storage', 'volume', 'list', 'local', '-f', 'csv', '-c', 'n')).toContain(VOLUME);
  }, 900_000);
});

const disk = (source: string): object => ({ type: 'disk', source, path: source, readonly: 'true' });
const dataDevice = { type: 'disk', pool: 'local', source: VOLUME, path: '/srv/data' };

const stored = (name: string, input: string): object => ({
  ...{ mode: 'managed', type: 'terraform_data', name, provider: 'provider["terraform.io/builtin/terraform"]' },
  instances: [
    {
      schema_version: 0,
      attributes: {
        ...{ id: `old-${name}`, input: { value: input, type: 'string' }, output: { value: input, type: 'string' } },
        triggers_replace: null,
      },
      sensitive_attributes: [],
    },
  ],
});

interface Fleet {
  infra?: object;
  guests: Record<string, object>;
  secrets: object;
}
