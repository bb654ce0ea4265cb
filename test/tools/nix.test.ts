import { describe, expect, it } from '@jest/globals';
import { createNix } from '../../tools/nix.ts';
import { json, refusal, scripted } from './fake-host.ts';

const target = { flakeRef: 'git+file:///srv/infra?rev=abc', node: 'n1', profile: 'system' };
const build = [
  ...['nix', 'build', '--no-link', '--print-out-paths'],
  'git+file:///srv/infra?rev=abc#deploy.nodes."n1".profiles."system".path',
];
const hash = (letter: string) => letter.repeat(32);
const system = `/nix/store/${hash('a')}-nixos-system-n1-26.05.1`;

describe('building a system', () => {
  it('has its path', async () => {
    const host = scripted([build, { stdout: `${system}\n` }]);
    expect(await createNix(host).buildSystem(target)).toEqual({ type: 'closure', path: system });
  });

  it.each([
    [
      "error: builder for '/nix/store/x.drv' failed with exit code 1;\n       last 1 log lines:\n       > boom",
      'build',
    ],
    ["error: Cannot build '/nix/store/x.drv'.\n       Reason: builder failed with exit code 1.", 'build'],
    ["error: undefined variable 'pkgz'\n       at /nix/store/x-source/flake.nix:3:4:", 'evaluation'],
  ])('that fails with %j shows the log from there on', async (text, stage) => {
    const host = scripted([build, refusal(`evaluating derivation 'x'...\n${text}`)]);
    expect(await createNix(host).buildSystem(target)).toEqual({ type: 'build failed', stage, log: text });
  });

  it('of a node that the flake does not have is not found', async () => {
    const text = `error: flake 'git+file:///srv/infra' does not provide attribute 'packages.x86_64-linux.deploy.nodes."n1".profiles."system".path'`;
    expect(await createNix(scripted([build, refusal(text)])).buildSystem(target)).toMatchObject({ type: 'not found' });
  });

  it.each([
    ['nothing known', refusal('the moon is blue')],
    ['no path', { stdout: '' }],
    ['two paths', { stdout: '/nix/store/a\n/nix/store/b\n' }],
  ])('that ends with %s is unexpected', async (_, answer) => {
    expect(await createNix(scripted([build, answer])).buildSystem(target)).toMatchObject({ type: 'unexpected' });
  });

  it.each(['n1"; evil', 'n^out', 'a b', 'a#b', '${x}', ''])('of a node named %j is refused', async (node) => {
    await expect(createNix(scripted()).buildSystem({ ...target, node })).rejects.toThrow(TypeError);
  });

  it.each(['--impure', 'a#b', 'a b', ''])('of the flake %j is refused', async (flakeRef) => {
    await expect(createNix(scripted()).buildSystem({ ...target, flakeRef })).rejects.toThrow(TypeError);
  });

  it('passes the log on as it comes', async () => {
    const host = scripted([build, { stdout: system }]);
    const onLine = () => undefined;
    await createNix(host).buildSystem(target, { onLine });
    expect(host.calls[0]?.options.onLine).toBe(onLine);
  });
});

describe('the facts of a closure', () => {
  const ls = ['nix', 'store', 'ls', '--json', '--recursive', system];
  const info = ['nix', 'path-info', '--recursive', system];
  const cat = ['nix', 'store', 'cat', `${system}/nixos-version`];
  const kernel = `/nix/store/${hash('b')}-linux-6.12.1`;
  const initrd = `/nix/store/${hash('c')}-initrd-linux-6.12.1`;
  const modules = `/nix/store/${hash('d')}-kernel-modules`;
  const listing = {
    type: 'directory',
    entries: {
      kernel: { type: 'symlink', target: `${kernel}/bzImage` },
      initrd: { type: 'symlink', target: `${initrd}/initrd` },
      'kernel-modules': { type: 'symlink', target: modules },
      'nixos-version': { type: 'regular', size: 7 },
      bin: { type: 'directory', entries: {} },
    },
  };
  const paths = [
    `/nix/store/${hash('e')}-incus-7.0.2`,
    `/nix/store/${hash('f')}-incus-lts-6.0.4`,
    `/nix/store/${hash('g')}-incus-7.0.2`,
    `/nix/store/${hash('h')}-incus-startup-1.0`,
    `/nix/store/${hash('i')}-unit-incus.service`,
    system,
  ].join('\n');

  it('are what only a reboot changes, the version, and Incus', async () => {
    const host = scripted([ls, json(listing)], [info, { stdout: paths }], [cat, { stdout: '26.05.1\n' }]);
    expect(await createNix(host).closureFacts(system)).toEqual({
      type: 'facts',
      nixosVersion: '26.05.1',
      parts: { kernel, initrd, 'kernel-modules': modules },
      incusVersions: ['6.0.4', '7.0.2'],
    });
  });

  it('of something without kernel and version have neither', async () => {
    const host = scripted([ls, json({ type: 'directory', entries: {} })], [info, { stdout: system }]);
    expect(await createNix(host).closureFacts(system)).toEqual({ type: 'facts', parts: {}, incusVersions: [] });
  });

  it.each([
    [refusal(`error: path '${system}' is not valid`), 'not found'],
    [refusal('error: experimental Nix feature is disabled'), 'unexpected'],
    [json({ type: 'regular' }), 'unexpected'],
  ])('with the answer %j are %s', async (answer, type) => {
    expect(await createNix(scripted([ls, answer])).closureFacts(system)).toMatchObject({ type });
  });
});
