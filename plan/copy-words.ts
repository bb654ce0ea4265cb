import { count } from './count.ts';
import type { CopyView } from './run.ts';

/** One copy of a run for people, the fact first: `edge-data at nuc-1 tank/replicas: copied, 2 snapshots`. */
export function describeCopyView({ volume, place, outcome, snapshots, detail, problem }: CopyView): string {
  const more = [
    ...(snapshots === undefined ? [] : [count(snapshots, 'snapshot')]),
    ...(detail === undefined ? [] : [detail]),
    ...(problem === undefined ? [] : [problem.message]),
  ];
  return `${volume} at ${place}: ${[outcome, ...more].join(', ')}`;
}
