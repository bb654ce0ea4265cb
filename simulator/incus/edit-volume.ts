import { readFileSync } from 'node:fs';
import { readOptions } from '../core/arguments.ts';
import { ToolError, Unknown, type Call } from '../core/call.ts';

/** `incus storage volume edit --project P --target MEMBER POOL VOLUME[/SNAPSHOT]`, which reads the whole record from its input. */
export async function editVolume({ args, update }: Call): Promise<number> {
  const asked = readOptions(args.slice(2), { values: ['project', 'target'] });
  const [verb, pool, both = '', ...more] = asked.positionals;
  const [name = '', snapshot] = both.split('/');
  if (verb !== 'edit' || more.length > 0)
    throw new Unknown('expected storage volume edit --project P --target MEMBER POOL VOLUME[/SNAPSHOT]');
  const record = JSON.parse(readFileSync(0, 'utf8')) as { config: Record<string, string>; expires_at: string };
  await update(({ cluster }) => {
    const volume = Object.values(cluster.volumes).find(
      (each) =>
        each.pool === pool &&
        each.name === name &&
        each.project === asked.value('project') &&
        each.location === asked.value('target'),
    );
    if (volume === undefined) throw new ToolError('Error: Storage volume not found');
    if (snapshot === undefined) {
      volume.config = record.config;
      return;
    }
    const found = volume.snapshots[snapshot];
    if (found === undefined) throw new ToolError('Error: Storage pool volume snapshot not found');
    found.expiresAt = record.expires_at;
  });
  return 0;
}
