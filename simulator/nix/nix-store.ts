import { readOptions } from '../core/arguments.ts';
import { ToolError, Unknown, type Call } from '../core/call.ts';
import { outOfRoot } from '../core/paths.ts';
import { conditionOf, isValid, referrers, remove, requisites } from './store-database.ts';

/** `nix-store` on the machine's own store. */
export function nixStore(call: Call): number {
  const [operation = '', option = '', ...places] = call.args;
  const run = OPERATIONS[`${operation} ${option}`];
  if (!run) throw new Unknown(`unknown operation ${operation} ${option}`);
  return run(
    call,
    places.map((place) => outOfRoot(place, call.root)),
  );
}

const OPERATIONS: Readonly<Record<string, (call: Call, paths: string[]) => number>> = {
  '--query --requisites': ({ root, out }, paths) => {
    requireValid(root, paths);
    out(lines(requisites(root, paths)));
    return 0;
  },
  '--query --referrers-closure': ({ root, out }, paths) => {
    requireValid(root, paths);
    out(lines(referrers(root, paths)));
    return 0;
  },
  '--check-validity --print-invalid': ({ root, out }, paths) => {
    out(lines(paths.filter((path) => !isValid(root, path))));
    return 0;
  },
  '--delete --ignore-liveness': deletePaths,
};

function deletePaths({ root, out, err, changed }: Call, paths: string[]): number {
  err('finding garbage collector roots...\n');
  const inUse = paths.find((path) => referrers(root, [path]).some((each) => !paths.includes(each)));
  if (inUse !== undefined) {
    out('0 store paths deleted, 0.00 MiB freed\n');
    throw new ToolError(
      `error: Cannot delete path '${inUse}' since it is still alive. To find out why, use: nix-store --query --roots and nix-store --query --referrers`,
    );
  }
  for (const path of paths) {
    err(`deleting '${path}'\n`);
    remove(root, path);
  }
  err('deleting unused links...\nnote: currently hard linking saves 0.00 MiB\n');
  out(`${paths.length} store paths deleted, 0.00 MiB freed\n`);
  changed('store');
  return 0;
}

/** `nix store verify`: exit codes are added up, 1 for what was changed, 4 for what could not be read. */
export function verifyStore({ root, err, args }: Call): number {
  const { positionals } = readOptions(args, {
    flags: ['quiet', 'no-trust'],
    values: ['extra-experimental-features'],
  });
  let code = 0;
  for (const path of positionals.slice(2).map((place) => outOfRoot(place, root))) {
    requireValid(root, [path]);
    const condition = conditionOf(root, path);
    if (condition.is === 'gone') err(`error: path '/${path}' does not exist\n`);
    if (condition.is === 'changed')
      err(`path '${path}' was modified! expected hash 'sha256:${condition.was}', got 'sha256:${condition.now}'\n`);
    code |= { whole: 0, changed: 1, gone: 4 }[condition.is];
  }
  return code;
}

function requireValid(root: string, paths: readonly string[]): void {
  const missing = paths.find((path) => !isValid(root, path));
  if (missing !== undefined) throw new ToolError(`error: path '${missing}' is not valid`);
}

function lines(paths: readonly string[]): string {
  return paths.map((path) => `${path}\n`).join('');
}
