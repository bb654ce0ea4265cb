import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { RunOptions } from '../../hosts/host.ts';
import { createLocalHost } from '../../hosts/local.ts';
import { createActivations } from '../../tools/activations.ts';
import { fakeHost, refusal, scripted, type Answer } from './fake-host.ts';

const find = ['find', '/tmp', '-maxdepth', '1', '-name', 'deploy-rs-c*'];
const canary = `/tmp/deploy-rs-canary-${'a'.repeat(32)}`;
const pgrep = (answer: Answer) => fakeHost((argv) => (argv[0] === 'pgrep' ? answer : undefined));

describe('running activations', () => {
  it.each([
    `/nix/store/x-system/activate-rs activate /nix/store/x --profile-user root`,
    `/nix/store/x-deploy-rs/bin/activate activate /nix/store/x --temp-path /tmp`,
    `/nix/store/x-switch-to-configuration/bin/switch-to-configuration switch`,
  ])('are found: %s', async (command) => {
    expect(await createActivations(pgrep({ stdout: `42 ${command}\n` })).runningActivations()).toEqual({
      type: 'running',
      activations: [{ pid: 42, command }],
    });
  });

  it.each([
    'ssh root@n2 /nix/store/x/activate-rs activate /nix/store/x',
    '/usr/bin/ssh n2 switch-to-configuration switch',
  ])('of another host, seen through its client, are not ours: %s', async (command) => {
    expect(await createActivations(pgrep({ stdout: `42 ${command}\n` })).runningActivations()).toEqual({
      type: 'running',
      activations: [],
    });
  });

  it('are none where pgrep found nothing', async () => {
    expect(await createActivations(pgrep({ exitCode: 1 })).runningActivations()).toEqual({
      type: 'running',
      activations: [],
    });
  });

  it('are unknown where pgrep failed, or found some and its answer was lost', async () => {
    for (const answer of [refusal('bad pattern', 2), { exitCode: 0 }])
      expect(await createActivations(pgrep(answer)).runningActivations()).toMatchObject({ type: 'unexpected' });
  });
});

describe('canaries', () => {
  it('are removed, and then are none', async () => {
    let there = true;
    const host = fakeHost((argv) => {
      if (argv[0] === 'find') return { stdout: there ? `${canary}\n` : '' };
      if (argv[0] === 'pgrep') return { exitCode: 1 };
      if (JSON.stringify(argv) !== JSON.stringify(['rm', '-f', '--', canary])) return undefined;
      there = false;
      return {};
    });
    const activations = createActivations(host);
    expect(await activations.removeCanaries()).toEqual({ type: 'removed', paths: [canary] });
    expect(await activations.removeCanaries()).toEqual({ type: 'removed', paths: [] });
  });

  it('of a running activation stay, since removing one would confirm it', async () => {
    const host = fakeHost(({ 0: program }) => {
      if (program === 'find') return { stdout: `${canary}\n` };
      return program === 'pgrep' ? { stdout: '42 /nix/store/x/activate-rs activate x y\n' } : undefined;
    });
    expect(await createActivations(host).removeCanaries()).toMatchObject({ type: 'busy' });
  });

  it('with a name that holds another path are left alone', async () => {
    const stdout = '/tmp/deploy-rs-canary-x\n/etc/passwd\n/tmp/deploy-rs-canary-../x\n';
    expect(await createActivations(scripted([find, { stdout }])).canaries()).toEqual({ type: 'canaries', paths: [] });
  });
});

describe('the activation lock', () => {
  it.each([
    [{ exitCode: 75 }, 'held'],
    [{}, 'free'],
    [refusal('flock: cannot open lock file', 66), 'free'],
    [refusal('flock: bad usage', 64), 'unexpected'],
  ])('answered with %j is %s', async (answer: Answer, type) => {
    const argv = [
      'flock',
      '--nonblock',
      '--conflict-exit-code',
      '75',
      '/run/nixos/switch-to-configuration.lock',
      'true',
    ];
    expect(await createActivations(scripted([argv, answer])).activationLock()).toMatchObject({ type });
  });
});

describe('on this machine', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'activations-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('finds real canaries only', async () => {
    const path = join(folder, `deploy-rs-canary-${'b'.repeat(32)}`);
    const cancel = join(folder, `deploy-rs-cancel-${'c'.repeat(32)}`);
    const others = ['other', 'deploy-rs-copy', 'deploy-rs-canary-short'].map((name) => join(folder, name));
    await Promise.all([path, cancel, `${path}\nx`, ...others].map((name) => writeFile(name, '')));
    const activations = createActivations(createLocalHost({ stateDir: folder }), { tempPath: folder });
    const found = await activations.canaries();
    expect(found.type === 'canaries' ? found.paths.sort() : found).toEqual([path, cancel]);
  });

  it('finds a real activation, and not the shell that carries the pattern', async () => {
    const script = join(folder, 'activate-rs');
    await writeFile(script, 'echo ready; read -r _');
    const child = execFile('sh', [script, 'activate', '/nix/store/x', '--temp-path', folder]);
    const local = createLocalHost({ stateDir: folder });
    const shell = (argv: readonly string[]) => ['sh', '-c', '"$@"; exit "$?"', 'sh', ...argv];
    const carried = {
      ...local,
      run: (argv: readonly string[], options: RunOptions) => local.run(shell(argv), options),
    };
    try {
      await once(child.stdout ?? child, 'data');
      const found = await createActivations(carried).runningActivations();
      const commands = found.type === 'running' ? found.activations : [];
      expect(commands.filter(({ command }) => command.includes(folder)).map(({ pid }) => pid)).toEqual([child.pid]);
      expect(commands.filter(({ command }) => command.includes('pgrep'))).toEqual([]);
    } finally {
      const exited = once(child, 'exit');
      child.stdin?.end('\n');
      await exited;
    }
  });
});
