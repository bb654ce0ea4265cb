import { mkdir, writeFile } from 'node:fs/promises';
import { check } from '../shell.ts';
import { flake, profileAttribute } from './deploy-commands.ts';
import type { Recorder } from './recorder.ts';

export async function recordNix(recorder: Recorder): Promise<void> {
  const revision = await recorder.setSpec('n3', { app: 'v2' });
  const build = (note: string, attribute: string) =>
    recorder.here(note, ['nix', 'build', '--no-link', '--print-out-paths', attribute]);
  const ask = (note: string, ...argv: string[]): Promise<unknown> => recorder.here(note, ['nix', ...argv]);
  const built = await build('build', profileAttribute(recorder, revision, 'n3'));
  await build('build again: nothing to do', profileAttribute(recorder, revision, 'n3'));
  await build('no such node', profileAttribute(recorder, revision, 'nope'));
  await build('no such profile', profileAttribute(recorder, revision, 'n3', 'nope'));
  await build('no such revision', profileAttribute(recorder, '0'.repeat(40), 'n3'));
  await build('no such repository', 'git+file:///nowhere#deploy.nodes."n3".profiles."system".path');
  const broken = await brokenFlake(recorder);
  await build('a builder that fails', `${broken}#deploy.nodes."n3".profiles."system".path`);
  await build('a dependency that fails', `${broken}#deploy.nodes."above".profiles."system".path`);
  await build('what does not evaluate', `${broken}#deploy.nodes."throws".profiles."system".path`);
  const path = built.stdout.trim();
  await ask('listing', 'store', 'ls', '--json', '--recursive', path);
  await ask('no such file', 'store', 'ls', '--json', '--recursive', `${path}/nope`);
  await ask('a file', 'store', 'cat', `${path}/nixos-version`);
  await ask('a file that is not there', 'store', 'cat', `${path}/nope`);
  await ask('closure', 'path-info', '--recursive', path);
  const nope = '/nix/store/00000000000000000000000000000000-nope';
  await ask('no such path', 'path-info', '--recursive', nope);
  await ask('listing of no such path', 'store', 'ls', '--json', '--recursive', nope);
  await ask('no path of a store', 'path-info', '--recursive', '/nix/store/nope');
  await ask('version', '--version');
  const layouts = await flakeOfLayouts(recorder);
  const layout = (note: string, host: string): Promise<unknown> =>
    ask(
      note,
      ...['eval', '--json', `${layouts}#nixosConfigurations."${host}".config.disko.devices.disk`],
      ...['--apply', 'disks: builtins.mapAttrs (name: disk: disk.device) disks'],
    );
  await layout('a disk layout', 'n1');
  await layout('a disk layout without disks', 'empty');
  await layout('a disk without a device', 'lacks');
  await layout('a disk layout of no such host', 'nope');
}

/** As disko's, without disko. Idempotent. */
async function flakeOfLayouts(recorder: Recorder): Promise<string> {
  const folder = recorder.file('layouts');
  await mkdir(folder, { recursive: true });
  const text = `{ outputs = _: let host = disk: { config.disko.devices.disk = disk; }; in { nixosConfigurations = {
    n1 = host { main = { device = "/dev/disk/by-id/ata-x"; type = "disk"; }; };
    empty = host { };
    lacks = host { main = { type = "disk"; }; };
  }; }; }`;
  await writeFile(`${folder}/flake.nix`, text);
  return `path:${folder}`;
}

/** A repository of its own whose nodes cannot be built; returns the flake's reference. Idempotent. */
export async function brokenFlake(recorder: Recorder): Promise<string> {
  const folder = recorder.file('broken');
  await mkdir(folder, { recursive: true });
  const system = process.arch === 'arm64' ? 'aarch64-linux' : 'x86_64-linux';
  const text = `{ outputs = _: let
    broken = derivation { name = "broken"; system = "${system}"; builder = "/bin/sh"; args = [ "-c" "echo no >&2; exit 3" ]; };
    above = derivation { name = "above"; system = "${system}"; builder = "/bin/sh"; args = [ "-c" "echo \${broken}" ]; };
    node = path: { hostname = "nowhere.invalid"; profiles.system = { user = "root"; inherit path; }; };
  in { deploy.nodes = { n3 = node broken; above = node above; throws = node (throw "no such thing"); }; }; }\n`;
  await writeFile(`${folder}/flake.nix`, text);
  const git = ['git', '-C', folder];
  await check([...git, 'init', '-q', '-b', 'main']);
  await check([...git, 'add', '-A']);
  const author = ['-c', 'user.name=lab', '-c', 'user.email=lab@localhost'];
  await check([...git, ...author, 'commit', '-q', '--allow-empty', '-m', 'broken']);
  const revision = (await check([...git, 'rev-parse', 'HEAD'])).trim();
  return flake(recorder, revision).replace(recorder.lab.repo, folder);
}
