import type { CopiesTold } from '../../cli/fleet-copies.ts';
import type { FleetStatus } from '../../cli/fleet-status.ts';
import type { FleetHistory } from '../../cli/page/history.ts';
import type { RunSummary } from '../../cli/temporal/list-runs.ts';

export const NOW = Date.parse('2026-11-28T12:00:00.000Z');
const DAY = 86_400_000;
export const ago = (days: number): string => new Date(NOW - days * DAY).toISOString();

/** A fleet with a question, a failure, late and unproven copies, drift and schedules. */
export const troubled = (): FleetStatus => ({
  fleet: { name: 'homelab', members: ['elitedesk-1', 'nuc-1'], guests: ['edge-vm'] },
  live: {
    members: [
      { name: 'elitedesk-1', status: 'Online', incusVersion: '6.0.4' },
      { name: 'nuc-1', status: 'Offline', problem: 'no answer within 8 s' },
    ],
    guests: [{ name: 'edge-vm', status: 'Running' }],
  },
  open: [
    {
      ...{ workflowId: 'infra-apply/nuc-1', runId: '1', runbook: 'infra-apply', subject: 'nuc-1', status: 'Running' },
      ...{ startedAt: ago(0.02), paused: false, waitingFor: [], silent: false },
      approval: {
        ...{ id: 'apply', question: 'Replace <script>alert("1")</script> & more?', consequences: [], plan: '7be1aa00' },
        ...{ askedAt: ago(0.01), deadline: ago(-0.2) },
      },
    },
  ],
  schedules: [],
  failed: [summary('nightly-backup', 1, { outcome: 'Failed', status: 'Failed' })],
  copies: {
    from: 'look',
    copies: [
      {
        ...{ of: 'edge-data', place: 'nuc-1 tank/replicas', outcome: 'fresh', newestAt: ago(0.2) },
        proof: { type: 'proven', at: ago(2) },
      },
      {
        ...{ of: 'home-data', place: 'nuc-1 tank/replicas', outcome: 'stale', newestAt: ago(3) },
        ...{ proof: { type: 'never' }, problem: 'cannot receive: <b onclick="x">no space</b>' },
      },
    ],
  },
  drift: { workflowId: 'drift/all', at: ago(0.3), summary: '2 things are not as declared.', rows: 2 },
  next: [
    { name: 'nightly', runs: 'nightly-backup of all', timeZone: 'Europe/Berlin', paused: false, at: ago(-0.5) },
    { name: 'drift', runs: 'drift of all', timeZone: 'UTC', paused: true, at: ago(-0.6) },
  ],
});

export function summary(runbook: string, endedDaysAgo: number, rest: Partial<RunSummary> = {}): RunSummary {
  return {
    ...{ workflowId: `${runbook}/all`, runId: `${runbook}-${endedDaysAgo}`, runbook, subject: 'all' },
    ...{ status: 'Completed', outcome: 'Done', startedAt: ago(endedDaysAgo + 0.01), closedAt: ago(endedDaysAgo) },
    ...rest,
  };
}

/** Ninety nights of one copy, with three that failed, and some upgrades. */
export function ninetyDays(): FleetHistory {
  const nights = Array.from({ length: 89 }, (_, day) => day);
  const failed = (day: number): boolean => day >= 40 && day < 43;
  const told = nights.map((day): CopiesTold => {
    const view = failed(day)
      ? { outcome: 'failed' as const }
      : { outcome: 'copied' as const, newestAt: ago(day + 0.1), bytes: 1_000_000_000 * (1 + (day % 7)) };
    const copies = [{ volume: 'edge-data', place: 'nuc-1 tank/replicas', ...view }];
    return { workflowId: 'nightly-backup/all', runbook: 'nightly-backup', at: ago(day), copies };
  });
  const runs = nights.flatMap((day) => [
    summary('nightly-backup', day, failed(day) ? { status: 'Failed', outcome: 'Failed' } : {}),
    ...(day % 14 === 3 ? [summary('safe-upgrade', day + 0.2, { workflowId: 'safe-upgrade/<i>nuc-1</i>' })] : []),
  ]);
  return { now: NOW, runs, told, unread: 0, isCutOff: false };
}
