import { mkdtemp, mkdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execa } from 'execa';
import { provideParts } from '../../lab/parts.ts';
import { shipped } from '../../lab/paths.ts';
import { buildProgram } from '../../cli/program.ts';
import { SEARCH_ATTRIBUTES } from '../../workflows/messages.ts';
import { testIo } from '../cli/io.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

interface Unit {
  environment?: Record<string, string>;
  path?: string[];
  serviceConfig: Record<string, string | boolean | string[]>;
}
interface Evaluated {
  config: {
    assertions?: { assertion: boolean; message: string }[];
    systemd?: { services: Record<string, Unit>; tmpfiles?: { rules: string[] } };
    users?: object;
  };
  options: { name: string; default: unknown; description: string }[];
}

/** By real nix, with the little of nixpkgs that test/lab/nixos/lib.nix stands for. */
describe('the NixOS module', () => {
  let state: string;
  let enter: string[];

  beforeAll(async () => {
    state = await mkdtemp(join(tmpdir(), 'runbook-nixos-'));
    await mkdir(join(state, 'nix'));
    const { rootfs } = await provideParts('namespaces', (line) => process.stderr.write(`lab: ${line}\n`));
    enter = [rootfs, state, '/usr/bin', 'nix', 'eval', '--impure', '--json'];
  }, 20 * 60_000);
  afterAll(() => rm(state, { recursive: true, force: true }));

  const nix = (expr: string) => execa(shipped('control', 'enter.sh'), [...enter, '--expr', expr], { reject: false });
  const evaluate = (set: string) =>
    nix(`(import ${ROOT}test/lab/nixos/lib.nix).configOf ${ROOT}nixos/module.nix ${set}`);
  const configOf = async (set: string): Promise<Evaluated> => {
    const { stdout, stderr, exitCode } = await evaluate(set);
    if (exitCode !== 0) throw new Error(stderr);
    return JSON.parse(stdout) as Evaluated;
  };
  const serviceOf = ({ config }: Evaluated, name: string): Unit => {
    const unit = config.systemd?.services[name];
    if (unit === undefined) throw new Error(`Expected a unit ${name}.`);
    return unit;
  };

  it('is what the flake offers', async () => {
    const { stdout } = await nix(
      `builtins.attrNames ((import ${ROOT}flake.nix).outputs { self = null; }).nixosModules`,
    );
    expect(JSON.parse(stdout)).toEqual(['default']);
  });

  it('does nothing where nothing is enabled', async () => {
    expect((await configOf('{ }')).config).toEqual({});
  });

  it('has a worker with its secrets by the names of their files, kept from what it does not need', async () => {
    const evaluated = await configOf(`{ worker = {
      enable = true; metrics = "127.0.0.1:9464"; sshKeyFile = "/run/secrets/key"; codecKeysFile = "/run/secrets/codec";
      address = "temporal.lan:7233"; tls = { caFile = "/ca"; certFile = "/cert"; keyFile = "/run/secrets/tls"; };
    }; }`);
    const { environment, serviceConfig } = serviceOf(evaluated, 'runbook-worker');
    expect(environment).toMatchObject({
      TEMPORAL_ADDRESS: 'temporal.lan:7233',
      RUNBOOK_CODEC_KEYS: '/run/secrets/codec',
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: '/ca',
      TEMPORAL_TLS_CLIENT_CERT_PATH: '/cert',
      TEMPORAL_TLS_CLIENT_KEY_PATH: '/run/secrets/tls',
    });
    expect(serviceConfig).toMatchObject({
      User: 'runbook',
      KillMode: 'process',
      ProtectSystem: 'strict',
      NoNewPrivileges: true,
      CapabilityBoundingSet: '',
      ReadWritePaths: ['/var/lib/runbook', '/var/lib/runbook/monorepo', '/tmp', '/var/tmp'],
    });
    // Temporary files of a deployment that outlives the worker stay.
    expect(serviceConfig).not.toHaveProperty('PrivateTmp');
    expect(evaluated.config.systemd?.tmpfiles?.rules).toContain(
      'L+ /var/lib/runbook/.ssh/id_ed25519 - - - - /run/secrets/key',
    );
    expect(evaluated.config.assertions?.map(({ assertion }) => assertion)).toEqual([true]);
    const program = buildProgram({ io: testIo({}), ending: 'done' });
    for (const command of program.commands) command.action(() => undefined);
    await program.parseAsync(String(serviceConfig['ExecStart']).split(' ').slice(1), { from: 'user' });
  });

  it('has a server with the search attributes of runs, on this machine alone', async () => {
    const evaluated = await configOf('{ temporal.enable = true; }');
    const words = String(serviceOf(evaluated, 'runbook-temporal').serviceConfig['ExecStart']).split(' ');
    expect(words).toEqual(expect.arrayContaining(['--ip', '127.0.0.1', '--port', '7233', '--ui-port', '8233']));
    expect(words.filter((word) => word.endsWith('=Keyword'))).toEqual(
      SEARCH_ATTRIBUTES.map((name) => `${name}=Keyword`),
    );
    expect(Object.keys(evaluated.config.systemd?.services ?? {})).toEqual(['runbook-temporal']);
  });

  it.each([
    ['{ worker = { enable = true; sshKeyFile = "relative"; }; }', 'services.runbook.worker.sshKeyFile is no'],
    ['{ worker = { enable = true; address = "a b"; }; }', 'services.runbook.worker.address is no'],
    ['{ worker.enabled = true; }', 'services.runbook.worker has no option enabled'],
  ])('refuses %s', async (set, message) => {
    const { exitCode, stderr } = await evaluate(set);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(message);
  });

  it('is documented whole', async () => {
    const page = await readFile(join(ROOT, 'docs', 'nixos.md'), 'utf8');
    const { options } = await configOf('{ }');
    expect(options.length).toBeGreaterThan(10);
    const row = ({ name, default: value, description }: Evaluated['options'][number]) => [
      '',
      `\`${name.replace('services.runbook.', '')}\``,
      `\`${inNix(value)}\``,
      description,
      '',
    ];
    const rows = page.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
    for (const option of options) expect(rows).toContainEqual(row(option));
  });
});

const inNix = (value: unknown): string => (Array.isArray(value) ? '[ ]' : JSON.stringify(value));
