import { describe, expect, it } from '@jest/globals';
import { stripVTControlCharacters } from 'node:util';
import stringWidth from 'string-width';
import { renderChecks } from '../../cli/render/checks.ts';
import { renderList } from '../../cli/render/list.ts';
import { renderPlan } from '../../cli/render/plan.ts';
import { renderRecord } from '../../cli/render/record.ts';
import { renderStatus } from '../../cli/render/status.ts';
import type { OpenRun } from '../../cli/fleet-status.ts';
import type { Check } from '../../plan/checks.ts';
import type { FleetGlance } from '../../plan/glance.ts';
import { recordOf } from '../../cli/run-history.ts';
import type { RunSummary } from '../../cli/temporal/list-runs.ts';
import { aRolledBackRun, aRun, at, aView } from './run-fixture.ts';

const now = Date.parse(at(200));
const options = (width: number, colour = false): { width: number; colour: boolean; now: number } => ({
  width,
  colour,
  now,
});

const summary = (rest: Partial<RunSummary> = {}): RunSummary => ({
  workflowId: 'safe-upgrade/elitedesk-1',
  runId: '01a20883-5e19-761d-bd6a-24af546cae64',
  runbook: 'safe-upgrade',
  subject: 'elitedesk-1',
  status: 'Completed',
  outcome: 'Done',
  startedAt: at(0),
  closedAt: at(130),
  ...rest,
});
const openRun = (rest: Partial<OpenRun> = {}): OpenRun => {
  const run = summary({ status: 'Running', phase: 'deploy' });
  delete run.outcome;
  delete run.closedAt;
  return { ...run, paused: false, waitingFor: [], silent: false, ...rest };
};
const history = {
  startedBy: 'ada@laptop',
  workflowType: 'safeUpgrade',
  taskQueue: 'runbook',
  input: [],
  activities: [],
  interventions: [],
};
const fleet = { name: 'homelab', members: ['elitedesk-1', 'nuc-1'], guests: ['edge-vm'] };
const approval = {
  id: 'reboot',
  question: 'Restart elitedesk-1?',
  consequences: [],
  askedAt: at(80),
  deadline: at(3600),
};

describe('status', () => {
  it('answers in its first line', () => {
    expect(renderStatus({ fleet, open: [], schedules: [], failed: [] }, options(80))).toEqual([
      'homelab · 2 members · 1 guest · no run is open · nothing needs you',
    ]);
  });

  it('counts schedules among what needs a person, and says the command', () => {
    const schedules = [{ name: 'nightly', problem: 'did not run at 2026-11-23 04:15 UTC: why', command: 'runbook x' }];
    expect(renderStatus({ fleet, open: [], schedules, failed: [] }, options(120)).slice(1)).toEqual([
      '  schedule nightly did not run at 2026-11-23 04:15 UTC: why',
      '      runbook x',
    ]);
    const both = { fleet, open: [], schedules, failed: [summary({ outcome: 'Failed' })] };
    expect(renderStatus(both, options(120))[0]).toMatch(/ · 1 run and 1 schedule need you$/);
    expect(renderStatus({ ...both, failed: [] }, options(120))[0]).toMatch(/ · 1 schedule needs you$/);
  });

  it('answers beside a fleet file that has mistakes', () => {
    expect(renderStatus({ brokenFleetFile: true, open: [], schedules: [], failed: [] }, options(80))).toEqual([
      'runbook.yaml has mistakes: runbook check · no run is open · nothing needs you',
    ]);
  });

  it('tells what a worker saw', () => {
    const live = {
      members: fleet.members.map((name) => ({ name, status: 'Online', incusVersion: '6.0.4' })),
      guests: [{ name: 'edge-vm', status: 'Running' }],
    };
    expect(renderStatus({ fleet, live, open: [], schedules: [], failed: [] }, options(100))).toEqual([
      'homelab · 2 members Online, Incus 6.0.4 · 1 guest running · no run is open · nothing needs you',
    ]);
    const [elitedesk, nuc] = live.members;
    const away = {
      members: [
        { ...elitedesk, incusVersion: '7.0.2' },
        { ...nuc, status: 'Blocked' },
        { name: 'gone', problem: 'off' },
      ],
      guests: [{ name: 'edge-vm', status: 'Stopped' }, { name: 'home-vm' }],
    } as FleetGlance;
    expect(
      renderStatus(
        { fleet, live: away, open: [], schedules: [], failed: [summary({ outcome: 'Failed' })] },
        options(200),
      ),
    ).toEqual([
      'homelab · 1 of 3 members Online, Incus 7.0.2 and 6.0.4 · 0 of 2 guests running · no run is open · 1 run and the fleet need you',
      '  members run different versions of Incus',
      '      runbook plan cluster-upgrade',
      '  nuc-1   Blocked',
      '      runbook doctor --node nuc-1',
      '  gone   not in the cluster   off',
      '      runbook doctor --node gone',
      '  edge-vm   Stopped',
      '      runbook doctor --node edge-vm',
      '  home-vm   no such instance',
      '      runbook doctor --node home-vm',
      '  safe-upgrade/elitedesk-1   failed 1 min ago',
      '      runbook show safe-upgrade/elitedesk-1   or   runbook retry safe-upgrade/elitedesk-1',
    ]);
    const atWork = renderStatus({ fleet, live: away, open: [openRun()], schedules: [], failed: [] }, options(200));
    expect(atWork[0]).toMatch(/ · 1 run open · nothing needs you$/);
  });

  it('tells no more of a cluster that was not seen than that', () => {
    const live = {
      members: [{ name: 'nuc-1', incusVersion: '6.0.4' }],
      guests: [{ name: 'edge-vm' }],
      problem: 'no quorum',
    };
    expect(renderStatus({ fleet, live, open: [], schedules: [], failed: [] }, options(100))).toEqual([
      'homelab · 1 member · 1 guest · no run is open · the fleet needs you',
      '  the cluster was not seen: no quorum',
      '      runbook doctor',
    ]);
  });

  it('shows what waits for a person with the command to type', () => {
    expect(renderStatus({ fleet, noWorker: true, open: [], schedules: [], failed: [] }, options(120)).slice(1)).toEqual(
      ['  runbook worker'],
    );
    const status = { fleet, open: [openRun({ approval })], schedules: [], failed: [summary({ outcome: 'Failed' })] };
    expect(renderStatus(status, options(100))).toEqual([
      'homelab · 2 members · 1 guest · 1 run open · 2 runs need you',
      '  safe-upgrade/elitedesk-1   waits for you   3 min',
      '      Restart elitedesk-1?   asked 2 min ago, until 2026-11-23 03:14:00 UTC',
      '      runbook approve safe-upgrade/elitedesk-1 --reason …   or   runbook reject',
      '      safe-upgrade/elitedesk-1 --reason …',
      '  safe-upgrade/elitedesk-1   failed 1 min ago',
      '      runbook show safe-upgrade/elitedesk-1   or   runbook retry safe-upgrade/elitedesk-1',
    ]);
  });

  it('counts a run that no worker answers for', () => {
    expect(renderStatus({ open: [openRun({ silent: true })], schedules: [], failed: [] }, options(80))).toEqual([
      '1 run open · 1 run needs you',
      '  safe-upgrade/elitedesk-1   deploy   3 min',
      '      no worker answers for it   runbook worker',
    ]);
  });

  it('says who holds what a run waits for', () => {
    const waitingFor = [{ resource: 'member/elitedesk-1', holder: 'safe-upgrade/edge-vm' }];
    expect(renderStatus({ open: [openRun({ waitingFor })], schedules: [], failed: [] }, options(80))).toEqual([
      '1 run open · nothing needs you',
      '  safe-upgrade/elitedesk-1   waits for its turn   3 min',
      '      member/elitedesk-1 is held by safe-upgrade/edge-vm',
    ]);
  });
});

describe('list', () => {
  it('is a table', () => {
    expect(renderList([summary(), summary({ outcome: 'RolledBack' })], options(200))).toEqual([
      'RUN                       OUTCOME      TOOK        STARTED    AT (UTC)             RUN ID',
      'safe-upgrade/elitedesk-1  done         2 min 10 s  3 min ago  2026-11-23 02:14:00  01a20883-5e19-761d-bd6a-24af546cae64',
      'safe-upgrade/elitedesk-1  rolled back  2 min 10 s  3 min ago  2026-11-23 02:14:00  01a20883-5e19-761d-bd6a-24af546cae64',
    ]);
  });

  it('leaves out ids and dates before it cuts the name that commands take', () => {
    expect(renderList([summary()], options(80))).toEqual([
      'RUN                       OUTCOME  TOOK        STARTED    AT (UTC)',
      'safe-upgrade/elitedesk-1  done     2 min 10 s  3 min ago  2026-11-23 02:14:00',
    ]);
    expect(renderList([summary()], options(60))).toEqual([
      'RUN                       OUTCOME  TOOK        STARTED',
      'safe-upgrade/elitedesk-1  done     2 min 10 s  3 min ago',
    ]);
  });
});

describe('plan', () => {
  it('names each phase once and ends with the command to type', () => {
    const view = aView({
      steps: [
        { id: 'observe', phase: 'gate', title: 'cluster', state: 'done' },
        { id: 's1', phase: 'snapshot', title: 'edge-vm', state: 'pending' },
        { id: 's2', phase: 'snapshot', title: 'volume edge-data', state: 'pending', detail: 'kept 7 days' },
        { id: 'd', phase: 'deploy', title: 'home-vm', state: 'already', detail: '26.05.3' },
      ],
      warnings: ['the newest backup of home-data is 3 days old'],
      result: {
        outcome: 'Done',
        summary: 'Nothing was changed.',
        left: [],
        next: [{ command: 'runbook start …', purpose: 'do it' }],
      },
    });
    expect(renderPlan(view, { branch: 'main', lastTookMs: undefined }, options(80))[0]).toBe(
      'safe-upgrade of elitedesk-1 · revision 3f9c1e2 (main)',
    );
    expect(renderPlan(view, { branch: 'main', lastTookMs: 245_000 }, options(80))).toEqual([
      'safe-upgrade of elitedesk-1 · revision 3f9c1e2 (main) · the last took 4 min 5 s',
      '',
      '  snapshot   edge-vm',
      '             volume edge-data   kept 7 days',
      '  deploy     home-vm            already so: 26.05.3',
      '',
      '  ! the newest backup of home-data is 3 days old',
      'Nothing was changed.',
      '  runbook start …   do it',
    ]);
  });
});

describe('doctor', () => {
  it('shows last what did not pass, and below it its remedy', () => {
    const checks: Check[] = [
      { where: 'nuc-1', what: 'ssh', verdict: 'failed', found: 'No route to host', whatToDo: 'Is it on?' },
      { where: 'edge-vm', what: 'systemd', verdict: 'warning', found: 'failed: a.service', whatToDo: 'Look at it.' },
      { where: 'here', what: 'fleet file', verdict: 'passed', found: 'runbook.yaml' },
    ];
    expect(renderChecks(checks, options(80))).toEqual([
      '  ✔ here: fleet file  runbook.yaml',
      '  ! edge-vm: systemd  failed: a.service',
      '                      → Look at it.',
      '  ✘ nuc-1: ssh        No route to host',
      '                      → Is it on?',
      '',
      '1 problem, 1 warning',
    ]);
    expect(renderChecks(checks, options(20))).toEqual([
      '  ✔ here: fleet file',
      '      runbook.yaml',
      '  ! edge-vm: systemd',
      '      failed:',
      '      a.service',
      '      → Look at it.',
      '  ✘ nuc-1: ssh',
      '      No route to',
      '      host',
      '      → Is it on?',
      '',
      '1 problem, 1 warning',
    ]);
  });
});

const long = `${'名'.repeat(40)} \u001b[31m${'word '.repeat(40)}${'x'.repeat(90)}`;
const pages: [string, (width: number, colour: boolean) => string[]][] = [
  [
    'status',
    (w, c) =>
      renderStatus(
        {
          fleet: { ...fleet, name: long },
          open: [openRun({ approval: { ...approval, question: long }, workflowId: long })],
          schedules: [{ name: long, problem: long, command: long }],
          failed: [summary({ outcome: 'Failed' })],
        },
        options(w, c),
      ),
  ],
  ['list', (w, c) => renderList([summary({ workflowId: long }), summary({ outcome: 'Failed' })], options(w, c))],
  ['show', (w, c) => renderRecord(recordOf(aRolledBackRun(), history), options(w, c))],
  [
    'show of hostile text',
    (w, c) =>
      renderRecord(
        recordOf(
          aRun({
            workflowId: long,
            view: aView({ steps: aView().steps.map((step) => ({ ...step, title: long, detail: long })) }),
          }),
          { ...history, startedBy: long },
        ),
        options(w, c),
      ),
  ],
  [
    'plan',
    (w, c) =>
      renderPlan(
        aView({
          steps: aView().steps.map((step) => ({ ...step, title: long })),
          gates: [{ name: 'members', verdict: 'refused', message: long, whatToDo: long }],
        }),
        { branch: long, lastTookMs: 1 },
        options(w, c),
      ),
  ],
  [
    'doctor',
    (w, c) =>
      renderChecks([{ where: long, what: 'ssh', verdict: 'failed', found: long, whatToDo: long }], options(w, c)),
  ],
];

describe.each([20, 40, 80, 120])('at %i columns', (width) => {
  it.each(pages)('%s is never wider, and says the same in colour', (_name, render) => {
    const plain = render(width, false);
    for (const line of plain) expect(stringWidth(line)).toBeLessThanOrEqual(width);
    const painted = render(width, true);
    expect(painted.map(stripVTControlCharacters).map((line) => line.trimEnd())).toEqual(plain);
    expect(painted).not.toEqual(plain);
    // eslint-disable-next-line no-control-regex -- looking for what must not be there
    expect(plain.join('')).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
  });
});
