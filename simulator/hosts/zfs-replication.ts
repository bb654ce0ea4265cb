import type { Call, Tool } from '../core/call.ts';
import { inherit, rename, rollback, set } from './zfs-changes.ts';
import { inventory, isInventory } from './zfs-inventory.ts';
import {
  bookmark,
  clone,
  create,
  destroyBookmark,
  destroySnapshots,
  holdOrRelease,
  holds,
  snapshot,
} from './zfs-marks.ts';
import { receive } from './zfs-receive.ts';
import { send } from './zfs-send.ts';

const VERBS: Readonly<Record<string, Tool>> = {
  send,
  receive,
  holds,
  snapshot,
  create,
  clone,
  bookmark,
  hold: holdOrRelease,
  release: holdOrRelease,
  inherit,
  rename,
  rollback,
  set,
};

/** What of `zfs` replication needs; undefined for the rest. */
export function replicationVerb({ args }: Pick<Call, 'args'>): Tool | undefined {
  const [verb = '', name = '', ...more] = args;
  if (isInventory(args)) return inventory;
  if (verb === 'destroy' && more.length === 0 && name.includes('#')) return (call) => destroyBookmark(call, name);
  if (verb === 'destroy' && more.length === 0 && name.includes('@')) return (call) => destroySnapshots(call, name);
  return Object.hasOwn(VERBS, verb) ? VERBS[verb] : undefined;
}

/** Whether it lives as long as its stream, and reads or writes that. */
export function isStream(args: readonly string[]): boolean {
  const [verb, option] = args;
  return (verb === 'send' && option === '-vP') || (verb === 'receive' && option !== '-A');
}
