import type { Check } from '../plan/checks.ts';
import type { DoctorInput } from './messages.ts';
import { activitiesFor } from './support/activities.ts';

/** What a worker finds from where it is. Changes nothing. */
export async function doctor(input: DoctorInput): Promise<Check[]> {
  const look = activitiesFor({ id: 'look', phase: 'gate', title: 'tools and hosts', kind: 'observe' });
  return look.lookAround(input);
}
