import type { Host } from '../hosts/host.ts';
import { inProject } from '../plan/projects.ts';
import type { Remade } from '../plan/rejoin-missing.ts';
import type { KnownInstance } from '../tools/incus-instance-records.ts';
import type { Incus } from '../tools/incus.ts';
import { expecting } from './expecting.ts';
import { failure } from './failure.ts';
import type { ActivityContext } from './guard.ts';
import { readNotes } from './rejoin-notes.ts';

/** An instance as it was written down before the cluster forgot it, of its image, not started. Idempotent. */
export async function remakeInstance(
  host: Host,
  incus: Incus,
  { member, instance }: { member: string; instance: Remade },
  { signal, report }: ActivityContext,
): Promise<'done' | 'already'> {
  const title = inProject(instance);
  const isIt = (each: { project: string; name: string }): boolean =>
    each.project === instance.project && each.name === instance.name;
  const isThere = async (): Promise<boolean> => {
    const found = expecting(await incus.instances(), 'instances', member).instances.find(isIt);
    if (found !== undefined && found.location !== member)
      throw failure('Unexpected', `${title} is on ${found.location} by now: it is not made on ${member} as well.`);
    return found !== undefined;
  };
  if (await isThere()) return 'already';
  const record = (await readNotes(host, member, signal))?.instances.find(isIt);
  if (record === undefined) throw failure('NotFound', `${member} has no note any more of how ${title} was configured.`);
  report({ progress: title });
  const made = await incus.createInstance({ ...asMade(record), member, image: instance.image });
  if (made.type !== 'already there') expecting(made, 'made', member);
  if (!(await isThere())) throw failure('Unexpected', `Incus has not made ${title}, and says nothing of it.`);
  return 'done';
}

/** Addresses of its network cards stay, since its name and its lease hang on them. Incus finds out the rest anew. */
const STAYS = /^volatile\.[^.]+\.hwaddr$/;

/** Without what Incus itself has noted of the one that was lost, and of its image. */
function asMade(record: KnownInstance): KnownInstance {
  const config = Object.entries(record.config).filter(
    ([key]) => STAYS.test(key) || !(key.startsWith('volatile.') || key.startsWith('image.')),
  );
  return { ...record, config: Object.fromEntries(config) };
}
