import { setTimeout as delay } from 'node:timers/promises';
import type { Incus } from '../tools/incus.ts';
import { failure } from './failure.ts';
import { unlessSilent } from './unless-silent.ts';

interface Awaited {
  /** Of another member, which lists it. */
  incus: Incus;
  member: string;
  withinMs: number;
  everyMs: number;
  /** What has to hold besides. */
  and?: () => Promise<boolean>;
  /** What is said where it does not come to that. */
  complaint: string;
  /** Told of what it is instead. */
  seen?: (state: string) => void;
}

/** Waits until the cluster lists the member as Online. `already`: at the first look. Fails as TimedOut with what it was instead. */
export async function untilOnline(
  { incus, member, withinMs, everyMs, and = () => Promise.resolve(true), complaint, seen }: Awaited,
  signal: AbortSignal,
): Promise<'done' | 'already'> {
  const until = Date.now() + withinMs;
  let last = 'not listed';
  for (let isFirst = true; Date.now() < until; isFirst = false) {
    const listed = await unlessSilent(() => incus.members());
    const found = listed?.type === 'members' ? listed.members.find(({ name }) => name === member) : undefined;
    if (found?.status === 'Online' && (await unlessSilent(and)) === true) return isFirst ? 'already' : 'done';
    if (found !== undefined) last = `${found.status}: ${found.message}`;
    seen?.(last);
    await delay(everyMs, undefined, { signal });
  }
  throw failure('TimedOut', `${complaint}: ${last}`);
}
