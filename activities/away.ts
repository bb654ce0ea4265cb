import { ApplicationFailure } from '@temporalio/common';
import { atOnce } from '../tools/at-once.ts';
import type { Incus } from '../tools/incus.ts';
import { expecting } from './expecting.ts';
import { failure } from './failure.ts';
import { unlessSilent } from './unless-silent.ts';

/** The members of a cluster, each to be asked itself. */
interface Members {
  /** Who is asked for the cluster. */
  via: string;
  /** Not in its list, or not yet. */
  besides?: string[];
  incusOf: (member: string) => Incus;
}

/** These fail for other reasons too. */
const AMBIGUOUS = ['Unexpected', 'NotFound', 'Unhealthy'];

/**
 * A change of a cluster, which fails in many words where a member goes away in the middle of it. Where one is away, the failure
 * is that, by its name: it is tried again. Else it is what it was.
 */
export async function unlessSomebodyIsAway<T>(members: Members, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ApplicationFailure) || !AMBIGUOUS.includes(error.type ?? '')) throw error;
    const away = await whoIsAway(members);
    if (away === undefined) throw error;
    throw failure('Unreachable', `${away}. ${error.message}`);
  }
}

/** Asked directly: the cluster itself notices only after its `cluster.offline_threshold`. */
async function whoIsAway({ via, besides = [], incusOf }: Members): Promise<string | undefined> {
  const listed = await unlessSilent(async () => expecting(await incusOf(via).members(), 'members', via));
  if (listed === undefined) return `${via} does not answer`;
  const offline = listed.members.filter(({ status }) => status === 'Offline').map(({ name }) => name);
  const names = [...new Set([...listed.members.map(({ name }) => name), ...besides])];
  const silent = await atOnce(
    ...names.map(async (name) => {
      const answer = await unlessSilent(async () => expecting(await incusOf(name).identity(), 'identity', name));
      return answer === undefined ? [name] : [];
    }),
  );
  const away = [...new Set([...silent.flat(), ...offline])];
  return away.length === 0 ? undefined : `${away.join(' and ')} ${away.length === 1 ? 'is' : 'are'} away`;
}
