import type { FleetRef } from '../workflows/messages.ts';
import type { ScheduleActivities } from './contract.ts';
import type { Deps } from './deps.ts';
import { guarded } from './guard.ts';

/** What a run that nobody starts by hand has to find out by itself. */
export function createScheduleActivities({ head }: Deps): ScheduleActivities {
  const look = guarded<undefined, FleetRef>(() => head());
  return { currentRevision: () => look(undefined) };
}
