import { proxyActivities, type ActivityInterfaceFor, type ActivityOptions } from '@temporalio/workflow';
import type { Activities } from '../../activities/contract.ts';
import { durationMs } from '../../plan/duration.ts';
import { RETRIES } from './retries.ts';
import type { StepSpec } from './run.ts';

export type StepActivities = ActivityInterfaceFor<Activities>;

/**
 * The activities of one step: each call shows the step's title in the Web UI and has an id that begins with the
 * step's own, which is how a history is read back into steps.
 */
export function activitiesFor({ id, phase, title, kind, within }: StepSpec): StepActivities {
  let calls = 0;
  return new Proxy({} as StepActivities, {
    get(_, name: string) {
      calls += 1;
      const options: ActivityOptions = {
        ...RETRIES[kind],
        ...(within === undefined ? {} : { scheduleToCloseTimeout: durationMs(within) }),
        activityId: calls === 1 ? id : `${id}/${calls}`,
        summary: `${phase}: ${title}`,
      };
      return proxyActivities<Activities>(options)[name as keyof Activities];
    },
  });
}
