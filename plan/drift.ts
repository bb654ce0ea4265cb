import { clusterRows } from './drift-cluster.ts';
import { guestRows } from './drift-guests.ts';
import { infraRows } from './drift-infra.ts';
import { secretRows } from './drift-secrets.ts';
import {
  DRIFT_KINDS,
  isProblem,
  unknownRow,
  type DriftObservation,
  type DriftRow,
  type DriftScope,
} from './drift-seen.ts';
import { snapshotRows } from './drift-snapshots.ts';
import { systemRows } from './drift-systems.ts';

/** Every difference between what is declared and what is there. Pure. */
export function driftRows(scope: DriftScope, seen: DriftObservation): DriftRow[] {
  const rows = [
    ...clusterPart(scope, seen),
    ...seen.systems.flatMap((system) => systemRows(system, seen.revision)),
    ...seen.infra.flatMap(infraRows),
    ...(seen.secrets === undefined ? [] : secretRows(scope, seen.secrets)),
  ];
  return rows.toSorted((a, b) => DRIFT_KINDS.indexOf(a.kind) - DRIFT_KINDS.indexOf(b.kind));
}

/** Members, guests and snapshots: what is seen without building or planning anything. Pure. */
export function clusterPart(scope: DriftScope, { cluster, at }: Pick<DriftObservation, 'cluster' | 'at'>): DriftRow[] {
  if (isProblem(cluster)) return [unknownRow('members and guests', 'cluster', cluster)];
  return [...clusterRows(scope, cluster, at), ...guestRows(scope, cluster), ...snapshotRows(scope, cluster)];
}
