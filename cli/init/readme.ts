import { backedUpTo } from './backups.ts';
import type { Answers } from './answers.ts';

/** Every machine with its address and what it is for, as a table of Markdown. */
export function machinesTable({ members, guests }: Answers): string {
  const rows = [
    ...members.map(({ name, address }) => [name, address, 'physical machine']),
    ...guests.map(({ name, address, member, service }) => [name, address, `guest on ${member}: services/${service}`]),
  ];
  const all = [['machine', 'address', 'what it is'], ...rows];
  const widths = [0, 1, 2].map((at) => Math.max(...all.map((row) => row[at]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${widths.map((width, at) => (row[at] ?? '').padEnd(width)).join(' | ')} |`;
  const [head = [], ...body] = all;
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n');
}

/** What there is to say of backups. */
export const backupsNote = (answers: Answers): string =>
  answers.guests.length === 0
    ? ''
    : backedUpTo(answers, answers.members[0]?.name ?? '') === undefined
      ? `## Backups

There are none yet: with one machine there is no other that could hold copies. Name a machine with ZFS in \`backupHosts\` of
\`runbook.yaml\`, or a repository of restic, and what goes there in \`backups\`; then take \`backup: off\` away. Until then a disk
that dies takes everything with it. Snapshots are no backups.`
      : `## Backups

Every volume is copied to the next machine each night, and a restore is tried out each Sunday. All machines are in one house:
for fire and thieves, name a repository of restic elsewhere in \`backups\` of \`runbook.yaml\`. Snapshots are no backups.`;
