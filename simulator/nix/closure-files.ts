import {
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { closureOf, type Closure, type NodeSpec } from './flake.ts';
import { hashOf, isValid, register } from './store-database.ts';

/** The file in each closure that says what it was made from. */
const SPEC = 'simulated.json';

/** Puts a closure into the store of a machine, whole or not at all. Idempotent. */
export function materialise(root: string, closure: Closure): void {
  for (const part of Object.values(closure.parts))
    addStorePath(root, part, (path) => {
      writeFileSync(path, basename(part));
    });
  if (closure.incus !== undefined)
    addStorePath(root, closure.incus, (path) => {
      makeIncusPackage(root, path);
    });
  const references = [...Object.values(closure.parts), ...(closure.incus === undefined ? [] : [closure.incus])];
  addStorePath(
    root,
    closure.path,
    (path) => {
      makeSystem(root, path, closure);
    },
    references,
  );
}

/** What a system in the store was made from. `system` is any path to it within the root. */
export function readClosure(system: string): Closure {
  const { node, spec } = JSON.parse(readFileSync(join(realpathSync(system), SPEC), 'utf8')) as {
    node: string;
    spec: NodeSpec;
  };
  return closureOf(node, spec);
}

function addStorePath(
  root: string,
  path: string,
  make: (aside: string) => void,
  references: readonly string[] = [],
): void {
  if (isValid(root, path)) return;
  const target = join(root, path);
  mkdirSync(dirname(target), { recursive: true });
  const aside = join(dirname(target), `.${basename(target)}.${process.pid}`);
  rmSync(aside, { recursive: true, force: true });
  make(aside);
  const hash = hashOf(aside);
  try {
    rmSync(target, { recursive: true, force: true });
    renameSync(aside, target);
  } catch (error) {
    // Somebody who makes the same was faster.
    rmSync(aside, { recursive: true, force: true });
    if (!existsSync(target)) throw error;
  }
  register(root, path, { hash, references });
}

/** As a NixOS system looks, with what deploy-rs adds to it. Its programs are the machine's shim under other names. */
function makeSystem(root: string, path: string, { node, spec, parts, incus }: Closure): void {
  mkdirSync(join(path, 'bin'), { recursive: true });
  mkdirSync(join(path, 'sw', 'bin'), { recursive: true });
  const shim = join(root, 'bin', '.shim');
  for (const program of ['bin/switch-to-configuration', 'activate-rs', 'deploy-rs-activate'])
    symlinkSync(shim, join(path, program));
  for (const [name, part] of Object.entries(parts)) symlinkSync(join(root, part), join(path, name));
  if (incus !== undefined) symlinkSync(join(root, incus, 'bin/incus'), join(path, 'sw/bin/incus'));
  writeFileSync(join(path, 'nixos-version'), spec.version);
  writeFileSync(join(path, SPEC), JSON.stringify({ node, spec }));
}

function makeIncusPackage(root: string, path: string): void {
  mkdirSync(join(path, 'bin'), { recursive: true });
  symlinkSync(join(root, 'bin', '.shim'), join(path, 'bin', 'incus'));
}
