import { execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { main } from '../../cli/program.ts';
import { HOMELAB, NOW } from '../rules/homelab.ts';
import { testIo } from './io.ts';

const NGINX = '{\n  services.nginx.enable = true;\n}\n';

describe('runbook check', () => {
  let repo: string;
  const git = (...args: string[]): void => {
    const identity = ['-c', 'user.name=T', '-c', 'user.email=t@example.org', '-c', 'commit.gpgsign=false'];
    execFileSync('git', ['-C', repo, ...identity, ...args]);
  };
  const put = async (path: string, text: string): Promise<void> => writeFile(join(repo, path), text);
  const check = async (...options: string[]) => {
    const io = { ...testIo({ cwd: repo }), now: () => NOW };
    const code = await main(['check', ...options], io);
    return { code, out: io.out(), err: io.err() };
  };
  beforeEach(async () => {
    repo = await mkdtemp(join(tmpdir(), 'check-'));
    await cp(HOMELAB, repo, { recursive: true });
    git('init', '--quiet', '--initial-branch=main');
    git('add', '.');
    git('commit', '--quiet', '-m', 'first');
  });
  afterEach(() => rm(repo, { recursive: true }));

  it('ends with 0 where nothing is wrong, and says what it has looked at', async () => {
    expect(await check()).toEqual({ code: 0, out: 'no problems in 34 files\n', err: '' });
  });

  it('ends with 2 and shows the place, why, and what to do', async () => {
    await put('host/common/web.nix', NGINX);
    const { code, out } = await check();
    expect(code).toBe(2);
    expect(out).toBe(`host/common/web.nix:2:3  error  no-host-proxies: services.nginx.enable: a proxy on a host.
   1 | {
   2 |   services.nginx.enable = true;
     |   ^^^^^^^^^^^^^^^^^^^^^
   What the world reaches belongs in a guest, so that breaking into it is not breaking into every guest of the host. (reference §4) Move it into a guest, as
   edge-vm.
1 problem in 35 files
`);
  });

  it('ends with 0 for a warning alone, and for what is ignored with a reason', async () => {
    await put('host/common/web.nix', NGINX.replace('nginx', 'frobnicator'));
    expect(await check()).toMatchObject({ code: 0, out: expect.stringMatching(/\n1 warning in 35 files\n$/) });
    await put('host/common/web.nix', NGINX.replace(';', '; # runbook-ignore no-host-proxies: of the installer'));
    expect(await check()).toMatchObject({ code: 0, out: 'no problems in 35 files · 1 ignored with a reason\n' });
  });

  it('shows no secret, neither that of a finding nor one beside it', async () => {
    const lines = ['{', '  services.x.password = "hunter2";', '  services.nginx.enable = true;', '}'];
    await put('host/common/web.nix', lines.join('\n'));
    const { out } = await check();
    expect(out).toContain('no-plaintext-secrets: services.x.password is a secret in plain text.');
    expect(out).toContain('no-host-proxies');
    for (const each of [out, (await check('--json')).out, (await check('--sarif')).out])
      expect(each).not.toContain('hunter2');
  });

  it('prints one value, or a log of SARIF', async () => {
    await put('host/common/web.nix', NGINX);
    const json = await check('--json');
    expect(json.code).toBe(2);
    expect(JSON.parse(json.out)).toMatchObject({
      file: 'runbook.yaml',
      valid: true,
      diagnostics: [],
      findings: [{ rule: 'no-host-proxies', file: 'host/common/web.nix', line: 2, column: 3, endColumn: 24 }],
      suppressed: [],
      files: 35,
    });
    const sarif = await check('--sarif');
    expect(sarif.code).toBe(2);
    expect(JSON.parse(sarif.out)).toMatchObject({
      version: '2.1.0',
      runs: [{ results: [{ ruleId: 'no-host-proxies' }] }],
    });
    expect(await check('--sarif', '--json')).toMatchObject({ code: 2, out: '' });
  });

  it('with --staged looks at what the next commit would have', async () => {
    await put('host/common/web.nix', NGINX);
    expect(await check('--staged')).toMatchObject({ code: 0, out: 'no problems in 34 files\n' });
    git('add', '.');
    await put('host/common/web.nix', NGINX.replace('true', 'false'));
    expect(await check('--staged')).toMatchObject({ code: 2, out: expect.stringContaining('no-host-proxies') });
    expect(await check()).toMatchObject({ code: 0 });
    await put('runbook.yaml', 'version: 2\n');
    expect(await check()).toMatchObject({ code: 2 });
    git('add', 'host');
    expect(await check('--staged')).toMatchObject({ code: 0 });
  });

  it('passes over what git ignores, links, and what is no text', async () => {
    await put('.gitignore', '*.local.nix\n');
    await put('host/common/web.local.nix', NGINX);
    await symlink('/etc/passwd', join(repo, 'host/common/link.nix'));
    await put('host/common/picture.nix', '\0services.nginx.enable = true;');
    expect(await check()).toMatchObject({ code: 0, out: 'no problems in 35 files\n' });
  });

  it('looks at the monorepo also where it is below the root of its repository', async () => {
    await mkdir(join(repo, 'deep'));
    for (const name of ['runbook.yaml', 'host', 'infra', 'guests', 'services', 'secrets'])
      git('mv', name, `deep/${name}`);
    await put('deep/host/common/web.nix', NGINX);
    const { code, out } = await check('--repo', 'deep');
    expect(code).toBe(2);
    expect(out).toMatch(/^deep\/host\/common\/web\.nix:2:3 /);
    git('add', '.');
    expect((await check('--repo', 'deep', '--staged')).code).toBe(2);
  });

  it('does not follow a link out of the monorepo, with and without a repository', async () => {
    const elsewhere = await mkdtemp(join(tmpdir(), 'check-elsewhere-'));
    try {
      await rename(join(repo, 'host'), join(elsewhere, 'host'));
      await writeFile(join(elsewhere, 'host/common/web.nix'), NGINX);
      await symlink(join(elsewhere, 'host'), join(repo, 'host'));
      expect((await check()).out).not.toContain('no-host-proxies');
      await rm(join(repo, '.git'), { recursive: true });
      expect((await check()).out).not.toContain('no-host-proxies');
    } finally {
      await rm(elsewhere, { recursive: true });
    }
  });

  it('needs no repository', async () => {
    await rm(join(repo, '.git'), { recursive: true });
    await put('host/common/web.nix', NGINX);
    expect(await check()).toMatchObject({ code: 2, out: expect.stringContaining('no-host-proxies') });
    expect(await check('--staged')).toMatchObject({
      code: 2,
      err: expect.stringContaining('is in no git repository'),
    });
  });

  it('says of a fleet file that is alone only what is wrong with it', async () => {
    const alone = await mkdtemp(join(tmpdir(), 'check-alone-'));
    await cp(join(HOMELAB, 'runbook.yaml'), join(alone, 'runbook.yaml'));
    const io = { ...testIo({ cwd: alone }), now: () => NOW };
    expect(await main(['check'], io)).toBe(0);
    expect(io.out()).toBe('runbook.yaml: no problems\n');
    await rm(alone, { recursive: true });
  });

  it('applies no rules by a fleet file that is wrong', async () => {
    await put('host/common/web.nix', NGINX);
    await put('runbook.yaml', 'version: 2\n');
    const { code, out } = await check('--json');
    expect(code).toBe(2);
    expect(JSON.parse(out)).toMatchObject({ valid: false, findings: [] });
  });
});
