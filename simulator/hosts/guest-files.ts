import { cpSync, existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Store } from '../core/store.ts';

/** What of a guest's files a snapshot keeps. Store paths are only ever added, so they need no copy. */
const KEPT = ['nix/var', 'boot', 'etc', 'root', 'srv', 'var', 'home'];

/** Copies a guest's files for a snapshot: whole or not at all. Idempotent. */
export function saveFiles(store: Store, guest: string, snapshot: string): void {
  const target = snapshotFolder(store, guest, snapshot);
  const aside = `${target}.${process.pid}.tmp`;
  rmSync(aside, { recursive: true, force: true });
  for (const folder of KEPT) copyFolder(join(store.root(guest), folder), join(aside, folder));
  rmSync(target, { recursive: true, force: true });
  renameSync(aside, target);
}

/** Idempotent: killed in the middle, the next restore brings back the same. */
export function restoreFiles(store: Store, guest: string, snapshot: string): void {
  const source = snapshotFolder(store, guest, snapshot);
  for (const folder of KEPT) {
    rmSync(join(store.root(guest), folder), { recursive: true, force: true });
    copyFolder(join(source, folder), join(store.root(guest), folder));
  }
}

export function forgetFiles(store: Store, guest: string, snapshot: string): void {
  rmSync(snapshotFolder(store, guest, snapshot), { recursive: true, force: true });
}

function snapshotFolder(store: Store, guest: string, snapshot: string): string {
  return join(store.dir, 'snapshots', guest, encodeURIComponent(snapshot));
}

function copyFolder(from: string, to: string): void {
  if (existsSync(from)) cpSync(from, to, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
}
