import { describe, expect, it } from '@jest/globals';
import { msToTs, requiredTsToDate } from '@temporalio/common/lib/time.js';
import { DAYS, timesBetween } from '../../fleet/calendar.ts';
import { fleetSchema } from '../../fleet/schema.ts';
import { createSchedule } from '../../cli/temporal/change-schedules.ts';
import type { Connected } from '../../cli/temporal/connect.ts';
import { createPayloadCodec } from '../../workers/codec/payload-codec.ts';
import { scheduleId } from '../../workflows/messages.ts';
import { aServer } from './a-simulated-fleet.ts';

/** The clocks of the world, and hours around their changes. */
const ZONES = [
  ...['Europe/Berlin', 'Europe/London', 'America/New_York', 'America/St_Johns', 'Atlantic/Azores', 'America/Havana'],
  ...['Australia/Lord_Howe', 'Pacific/Auckland', 'Antarctica/Troll', 'Asia/Kolkata', 'Africa/Casablanca', 'UTC'],
];
const TIMES = ['00:00', '00:30', '01:00', '01:30', '01:59', '02:00', '02:15', '02:30', '03:00', '04:15', '23:59'];
const [FROM, TO] = [Date.parse('2027-01-01T00:00:00Z'), Date.parse('2028-06-01T00:00:00Z')];

describe('the times of the calendar', () => {
  const env = aServer();

  const asTemporalSays = async (name: string): Promise<string[]> => {
    const { startTime } = await env().connection.workflowService.listScheduleMatchingTimes({
      ...{ namespace: 'default', scheduleId: scheduleId('homelab', name) },
      ...{ startTime: msToTs(FROM), endTime: msToTs(TO) },
    });
    return startTime.map((time) => requiredTsToDate(time, 'startTime').toISOString());
  };

  it.each(ZONES)(
    'are those of Temporal in %s, over three changes of its clocks',
    async (timeZone) => {
      const { connection, address } = env();
      const connected: Connected = {
        connection,
        address,
        namespace: 'default',
        identity: 'test',
        codec: createPayloadCodec(undefined),
        close: async () => {},
      };
      for (const [index, at] of TIMES.entries()) {
        const days = index % 3 === 0 ? ['sunday', 'saturday'] : [...DAYS];
        const text = { runbook: 'identity-backup', at, timeZone, days, paused: true };
        const schedule = fleetSchema.shape.schedules.parse({ it: text })['it'];
        if (schedule === undefined) throw new Error('Expected the schedule.');
        const name = `${timeZone.replace('/', '-')}-${at.replace(':', '')}`;
        await createSchedule(connected, 'homelab', name, schedule);
        const ours = timesBetween(schedule, FROM, TO).map((time) => new Date(time).toISOString());
        expect({ at, times: await asTemporalSays(name) }).toEqual({ at, times: ours });
      }
    },
    60_000,
  );
});
