import type { KeptView } from '../plan/kept.ts';
import type { GlanceInput } from './messages.ts';
import { activitiesFor } from './support/activities.ts';

/** What runs have set aside on the members. Changes nothing. */
export async function kept(input: GlanceInput): Promise<KeptView> {
  const look = activitiesFor({ id: 'look', phase: 'gate', title: 'what is kept', kind: 'observe' });
  return look.listKept(input);
}
