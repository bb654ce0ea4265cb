import type { FleetGlance } from '../plan/glance.ts';
import type { GlanceInput } from './messages.ts';
import { activitiesFor } from './support/activities.ts';

/** Members and guests as Incus sees them now. Changes nothing. */
export async function glance(input: GlanceInput): Promise<FleetGlance> {
  const look = activitiesFor({ id: 'look', phase: 'gate', title: 'members and guests', kind: 'observe' });
  return look.glanceAtFleet(input);
}
