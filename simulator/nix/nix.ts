import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { readOptions } from '../core/arguments.ts';
import { ToolError, Unknown, type Call } from '../core/call.ts';
import { connectionProblem } from '../core/reachability.ts';
import { readSshArguments } from '../ssh-arguments.ts';
import { checkHostKey, findMachine } from '../ssh.ts';
import { materialise, readClosure } from './closure-files.ts';
import { closureOf, nodeOf, parseFlakeReference, readFlake, type Closure } from './flake.ts';
import { verifyStore } from './nix-store.ts';
import { isValid, requisites } from './store-database.ts';

/** `nix` on the worker: what deploys and their planning ask of it. */
export function nix(call: Call): number {
  const [verb = '', second = ''] = call.args;
  const run = COMMANDS[verb] ?? COMMANDS[`${verb} ${second}`];
  if (!run) throw new Unknown(`unknown command nix ${verb} ${second}`);
  return run(call);
}

/** `nix` on a member or guest, where only its store is asked. */
export function nixOfMachine(call: Call): number {
  if (!call.args.join(' ').includes(' store verify ')) throw new Unknown(`unknown command nix ${call.args.join(' ')}`);
  return verifyStore(call);
}

const COMMANDS: Readonly<Record<string, (call: Call) => number>> = {
  '--version': ({ out }) => {
    out('nix (Nix) 2.26.3\n');
    return 0;
  },
  build,
  copy,
  eval: evaluate,
  'path-info': pathInfo,
  'store ls': storeList,
  'store cat': storeCat,
};

function build(call: Call): number {
  const asked = readOptions(call.args.slice(1), { flags: ['no-link', 'print-out-paths'] });
  if (!asked.has('no-link')) throw new Unknown('expected --no-link');
  const reference = parseFlakeReference(asked.positionals[0] ?? '', call.cwd);
  const [deploy, nodes, node = '', profiles, profile, path] = reference.attribute;
  if (deploy !== 'deploy' || nodes !== 'nodes' || profiles !== 'profiles' || path !== 'path')
    throw new Unknown(`unknown attribute ${reference.text}`);
  const spec = nodeOf(readFlake(reference), node, reference);
  if (profile !== 'system')
    throw new ToolError(
      `error: flake '${reference.text.split('#')[0] ?? ''}' does not provide attribute 'deploy.nodes."${node}".profiles."${profile ?? ''}"'`,
    );
  if (spec.buildError !== undefined)
    throw new ToolError(
      `error: builder for '/nix/store/x-nixos-system-${node}-${spec.version}.drv' failed with exit code 1;\n       last 1 log lines:\n       > ${spec.buildError}`,
    );
  const closure = closureOf(node, spec);
  materialise(call.root, closure);
  if (asked.has('print-out-paths')) call.out(`${closure.path}\n`);
  return 0;
}

/** `nix eval --json REFERENCE#nixosConfigurations."n1".config.disko.devices.disk --apply …`: the devices of a layout. */
function evaluate(call: Call): number {
  const asked = readOptions(call.args.slice(1), { flags: ['json'], values: ['apply'] });
  const reference = parseFlakeReference(asked.positionals[0] ?? '', call.cwd);
  const [configurations, node = '', ...attribute] = reference.attribute;
  if (
    configurations !== 'nixosConfigurations' ||
    attribute.join('.') !== 'config.disko.devices.disk' ||
    asked.value('apply') !== 'disks: builtins.mapAttrs (name: disk: disk.device) disks'
  )
    throw new Unknown(`unknown attribute ${reference.text}`);
  const { disks } = nodeOf(readFlake(reference), node, reference);
  if (disks === undefined) throw new ToolError("error: attribute 'disko' missing");
  call.out(`${JSON.stringify(disks)}\n`);
  return 0;
}

/** `nix copy --to ssh://root@10.0.0.11 /nix/store/…`: as deploy-rs calls it. */
function copy(call: Call): number {
  const asked = readOptions(call.args.slice(1), {
    flags: ['substitute-on-destination', 'no-check-sigs'],
    values: ['to'],
  });
  const host = new URL(asked.value('to') ?? '').hostname;
  const state = call.store.read();
  const machine = findMachine(state, host);
  if (!machine) throw new ToolError(`ssh: Could not resolve hostname ${host}: Name or service not known`);
  const problem = connectionProblem(state, machine);
  if (problem !== undefined)
    throw new ToolError(
      `ssh: connect to host ${host} port 22: ${problem}\nerror: failed to start SSH connection to 'root@${host}'`,
    );
  try {
    checkHostKey(readSshArguments([host, ...(call.env['NIX_SSHOPTS'] ?? '').split(' ').filter(Boolean)]), machine);
  } catch (error) {
    if (!(error instanceof ToolError)) throw error;
    throw new ToolError(`${error.message}\nerror: failed to start SSH connection to 'root@${host}'`);
  }
  for (const path of asked.positionals)
    putInStore(call, machine.name, readClosure(join(call.root, validPath(call, path))));
  return 0;
}

function putInStore(call: Call, machine: string, closure: Closure): void {
  const root = call.store.root(machine);
  if (isValid(root, closure.path)) return;
  materialise(root, closure);
  call.changed(`store of ${machine}`);
}

function pathInfo(call: Call): number {
  const asked = readOptions(call.args.slice(1), { flags: ['recursive'], short: { r: 'recursive' } });
  const path = validPath(call, asked.positionals[0] ?? '');
  const all = asked.has('recursive') ? requisites(call.root, [path]) : [path];
  call.out(all.map((each) => `${each}\n`).join(''));
  return 0;
}

function storeList(call: Call): number {
  const asked = readOptions(call.args.slice(2), { flags: ['json', 'recursive'], short: { R: 'recursive' } });
  if (!asked.has('json') || !asked.has('recursive')) throw new Unknown('expected --json --recursive');
  call.out(`${JSON.stringify(listing(join(call.root, validPath(call, asked.positionals[0] ?? ''))))}\n`);
  return 0;
}

function listing(path: string): object {
  const found = lstatSync(path);
  if (found.isSymbolicLink()) return { type: 'symlink', target: readlinkSync(path) };
  if (found.isFile())
    return { type: 'regular', size: found.size, ...((found.mode & 0o100) === 0 ? {} : { executable: true }) };
  return {
    type: 'directory',
    entries: Object.fromEntries(readdirSync(path).map((name) => [name, listing(join(path, name))])),
  };
}

function storeCat(call: Call): number {
  const { positionals } = readOptions(call.args.slice(2), {});
  const path = positionals[0] ?? '';
  validPath(call, path.split('/').slice(0, 4).join('/'));
  if (!existsSync(join(call.root, path))) throw new ToolError(`error: path '${path}' does not exist`);
  call.out(readFileSync(join(call.root, path), 'utf8'));
  return 0;
}

function validPath(call: Call, path: string): string {
  if (/^\/nix\/store\/[^/]+$/.test(path) && isValid(call.root, path)) return path;
  if (!/^\/nix\/store\/[0-9a-z]{32}-/.test(path))
    throw new ToolError(`error: getting status of '${path}': No such file or directory`);
  throw new ToolError(`error: path '${path}' is not ${call.args[0] === 'store' ? 'a valid store path' : 'valid'}`);
}
