import type { BackupsView } from '../plan/backups-view.ts';
import type { GlanceInput } from './messages.ts';
import { activitiesFor } from './support/activities.ts';

/** How old every copy is. Changes nothing. */
export async function backups(input: GlanceInput): Promise<BackupsView> {
  const look = activitiesFor({ id: 'look', phase: 'gate', title: 'copies', kind: 'act', within: '4m' });
  return look.listBackups(input);
}
