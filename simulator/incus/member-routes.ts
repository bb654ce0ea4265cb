import { readFileSync } from 'node:fs';
import { ToolError, Unknown, type Call } from '../core/call.ts';
import { json, type Route } from './routes.ts';
import { memberView } from './view.ts';

/** One member of the cluster, as the cluster's database has it. */
export const memberRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/1.0/cluster/members/:member',
    handle: (state, { parameters }) => {
      const name = parameters['member'] ?? '';
      if (!state.cluster.members[name]) throw new ToolError('Error: Cluster member not found');
      return json(memberView(state, name));
    },
  },
];

/** `incus cluster edit NAME`, which reads the whole record from its input. */
export async function editMember({ args, update }: Call): Promise<number> {
  const [, , name = '', ...more] = args;
  if (name === '' || more.length > 0) throw new Unknown('expected cluster edit NAME');
  const record = JSON.parse(readFileSync(0, 'utf8')) as { description: string; groups: string[] };
  await update(({ cluster }) => {
    const member = cluster.members[name];
    if (!member) throw new ToolError('Error: Cluster member not found');
    member.description = record.description;
    for (const [group, { members }] of Object.entries(cluster.groups)) {
      const others = members.filter((each) => each !== name);
      (cluster.groups[group] as { members: string[] }).members = record.groups.includes(group)
        ? [...others, name]
        : others;
    }
  });
  return 0;
}
