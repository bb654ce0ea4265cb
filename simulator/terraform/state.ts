import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Call } from '../core/call.ts';
import { isAlive } from '../hosts/processes.ts';
import { Diagnosed, type Backend } from './module.ts';

/** A state as Terraform 1.5 writes it. */
export interface TerraformState {
  version: 4;
  terraform_version: string;
  serial: number;
  lineage: string;
  outputs: Record<string, { value: unknown; type: string }>;
  resources: StoredResource[];
}

export interface StoredResource {
  mode: 'managed';
  type: string;
  name: string;
  provider: string;
  instances: {
    schema_version: 0;
    attributes: Record<string, unknown>;
    status?: 'tainted';
    sensitive_attributes: unknown[];
  }[];
}

const VERSION = '1.5.7';

export const emptyState = (): TerraformState => ({
  ...{ version: 4, terraform_version: VERSION, serial: 0, lineage: randomUUID() },
  ...{ outputs: {}, resources: [] },
});

/** Of a backend on the network: a file of the simulation's own. */
export const fileOf = ({ store }: Pick<Call, 'store'>, backend: Backend): string =>
  backend.type === 'local' ? backend.path : join(store.dir, 'backends', backend.key.replaceAll('/', '_'));

export function readState(file: string): TerraformState | undefined {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as TerraformState) : undefined;
}

/** At once, as the local backend does; whoever kills it leaves a whole one. */
export function writeState(file: string, state: TerraformState): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

interface Lock {
  ID: string;
  Operation: string;
  Who: string;
  Created: string;
  Path: string;
  pid: number;
}

const lockFileOf = (file: string): string => join(dirname(file), `.${basename(file)}.lock.info`);

/**
 * Runs `work` with the state locked. Of a file the lock is gone with its process; of a backend on the network it stays, which is
 * why there is `force-unlock`. Nobody is waited for.
 */
export async function locked<T>(
  call: Pick<Call, 'store' | 'env'>,
  backend: Backend,
  operation: string,
  who: string,
  work: () => Promise<T>,
): Promise<T> {
  const file = fileOf(call, backend);
  const at = lockFileOf(file);
  const held = heldBy(at, backend);
  if (held !== undefined) throw new Diagnosed('Error acquiring the state lock', lockText(held));
  mkdirSync(dirname(at), { recursive: true });
  const lock: Lock = {
    ...{ ID: randomUUID(), Operation: operation, Who: who, Path: file, pid: process.pid },
    Created: `${new Date().toISOString().replace('T', ' ').replace('Z', '000000')} +0000 UTC`,
  };
  writeFileSync(at, JSON.stringify(lock));
  try {
    return await work();
  } finally {
    rmSync(at, { force: true });
  }
}

function heldBy(at: string, backend: Backend): Lock | undefined {
  if (!existsSync(at)) return undefined;
  const lock = JSON.parse(readFileSync(at, 'utf8')) as Lock;
  return backend.type === 'local' && !isAlive(lock.pid) ? undefined : lock;
}

function lockText({ ID, Path, Operation, Who, Created }: Lock): string {
  const lines = { ID, Path, Operation, Who, Version: VERSION, Created, Info: '' };
  const info = Object.entries(lines).map(([name, value]) => `  ${`${name}:`.padEnd(11)}${value}`);
  return `Error message: resource temporarily unavailable\nLock Info:\n${info.join('\n')}\n\n\nTerraform acquires a state lock to protect the state from being written\nby multiple users at the same time. Please resolve the issue above and try\nagain. For most commands, you can disable locking with the "-lock=false"\nflag, but this is not recommended.`;
}

/** Throws Diagnosed where the lock is another one. */
export function unlock(call: Pick<Call, 'store'>, backend: Backend, id: string): void {
  if (backend.type === 'local') throw new Diagnosed('Local state cannot be unlocked by another process', '');
  const at = lockFileOf(fileOf(call, backend));
  const lock = existsSync(at) ? (JSON.parse(readFileSync(at, 'utf8')) as Lock) : undefined;
  if (lock?.ID !== id)
    throw new Diagnosed(
      'Failed to unlock state',
      `failed to retrieve lock info: lock id "${id}" does not match existing lock`,
    );
  rmSync(at);
}
