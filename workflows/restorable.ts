import type { RestorableView } from '../plan/restorable.ts';
import type { RestorableInput } from './messages.ts';
import { activitiesFor } from './support/activities.ts';

/** What there is to restore from. Changes nothing. */
export async function restorable(input: RestorableInput): Promise<RestorableView> {
  const look = activitiesFor({ id: 'look', phase: 'gate', title: 'snapshots', kind: 'act', within: '4m' });
  return look.listRestorable(input);
}
