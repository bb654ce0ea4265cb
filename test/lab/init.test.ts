import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readAnswers } from '../../cli/init/answers.ts';
import { monorepoFiles } from '../../cli/init/files.ts';
import { writeFiles } from '../../cli/init/write.ts';
import { installTools } from '../../lab/tools.ts';
import { aLab } from './a-lab.ts';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPdTNqnCmz8Eo6kLyaOIvgOgwjYNYdyLaaKVxgCCYA5o';
/** Names that are words of Nix, and a comment of a key that would end its text and begin another expression. */
const HOSTILE = {
  member: ['let=10.0.0.2', 'null=10.0.0.3', 'in=10.0.0.4'],
  guest: ['edge-vm=10.0.0.5', 'rec=10.0.0.6:metrics', 'home-vm=10.0.0.7', 'or=10.0.0.8'],
  sshKey: [`${KEY} "; \${builtins.throw "read"} \\ ''\${x}`],
};

describe('a monorepo of runbook init, by the real tools', () => {
  const lab = aLab();
  const dir = mkdtempSync(join(tmpdir(), 'runbook-init-lab-'));
  const repo = join(dir, 'homelab');
  const bin = join(dir, 'bin');
  const answers = readAnswers(HOSTILE, { name: 'homelab', timeZone: 'Europe/Berlin' });

  beforeAll(async () => {
    mkdirSync(bin);
    await installTools(bin, (line) => process.stderr.write(`lab: ${line}\n`), 'terraform');
    await writeFiles(repo, await monorepoFiles(answers));
  }, 20 * 60_000);
  afterAll(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  const nix = (...args: string[]): string =>
    execFileSync(join(lab().binDir, 'nix'), args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

  it('is Nix', async () => {
    const paths = (await monorepoFiles(answers)).map(({ path }) => path).filter((path) => path.endsWith('.nix'));
    expect(paths.length).toBeGreaterThan(15);
    // An expression that is imported is parsed, and nothing in it that has no name stands for anything.
    const imported = paths.map((path) => `(builtins.typeOf (import ${join(repo, path)}))`);
    const types = JSON.parse(nix('eval', '--impure', '--json', '--expr', `[ ${imported.join(' ')} ]`)) as string[];
    expect(types.filter((type) => !['lambda', 'set'].includes(type))).toEqual([]);
  });

  it('has each value as it was said', () => {
    const fleet = JSON.parse(nix('eval', '--impure', '--json', '--file', join(repo, 'fleet.nix'))) as object;
    expect(fleet).toEqual({
      timeZone: 'Europe/Berlin',
      network: { prefixLength: 24, gateway: '10.0.0.1', nameservers: ['10.0.0.1'] },
      sshKeys: HOSTILE.sshKey,
      members: { let: '10.0.0.2', null: '10.0.0.3', in: '10.0.0.4' },
      guests: { 'edge-vm': '10.0.0.5', rec: '10.0.0.6', 'home-vm': '10.0.0.7', or: '10.0.0.8' },
      monitoring: ['10.0.0.6'],
    });
  });

  it('deploys every host and guest to its address', () => {
    const machine = '{ pkgs.stdenv.hostPlatform.system = "x86_64-linux"; }';
    const args = `{
      fleet = import ${repo}/fleet.nix;
      self.nixosConfigurations = builtins.mapAttrs (_: _: ${machine}) (fleet.members // fleet.guests);
      deploy-rs.lib.x86_64-linux.activate.nixos = _: "closure";
    }`;
    const expr = `import ${repo}/deploy.nix (rec ${args})`;
    const { nodes } = JSON.parse(nix('eval', '--impure', '--json', '--expr', expr)) as {
      nodes: Record<string, { hostname: string }>;
    };
    const addresses = Object.fromEntries(
      [...answers.members, ...answers.guests].map((each) => [each.name, each.address]),
    );
    expect(Object.fromEntries(Object.entries(nodes).map(([name, node]) => [name, node.hostname]))).toEqual(addresses);
  });

  it('is Terraform as terraform fmt leaves it', () => {
    const argv = ['fmt', '-check', '-recursive', '-diff', join(repo, 'infra')];
    const env = { ...process.env, TF_CLI_CONFIG_FILE: '/dev/null' };
    expect(execFileSync(join(bin, 'terraform'), argv, { encoding: 'utf8', env })).toBe('');
  });
});
