import { describe, expect, it } from '@jest/globals';
import { stripVTControlCharacters } from 'node:util';
import stringWidth from 'string-width';
import { changesBetween } from '../../cli/changes.ts';
import { renderChange } from '../../cli/render/change.ts';
import { decisionText } from '../../cli/render/decision.ts';
import { renderWatch } from '../../cli/render/run.ts';
import { aRolledBackRun, aRun, at, aView } from './run-fixture.ts';

const now = Date.parse(at(46));
const at80 = { width: 80, colour: false, now };

describe('a run that is watched', () => {
  it('shows what is done, what runs and what is next', () => {
    expect(renderWatch({ run: aRun() }, at80)).toEqual([
      'safe-upgrade/elitedesk-1 · deploy · 46 s · revision 3f9c1e2',
      '',
      '  ✔ gate       9 of 9                                                        2 s',
      '  ✔ snapshot   edge-vm, home-vm, 2 volumes                                   3 s',
      '  ● deploy     host → 26.05.3                                               0:41',
      '  = deploy     home-vm   already so: 26.05.3                               0.0 s',
      '  · verify     4 probes, 60 s of quiet',
    ]);
  });

  it('shows progress, attempts and the last error of the step that runs', () => {
    const pending = [
      {
        activityId: 'deploy/2',
        activityType: 'deploy',
        state: 'backing off' as const,
        attempt: 3,
        lastError: 'elitedesk-1 is unreachable\u001b]0;owned\u0007: No route to host',
        nextAttemptAt: at(58),
        progress: 'copying closure',
        bytes: 1_200_000_000,
        totalBytes: 2_000_000_000,
      },
    ];
    expect(renderWatch({ run: aRun({ pending }) }, at80).slice(4, 8)).toEqual([
      '  ● deploy     host → 26.05.3                                               0:41',
      '  │            copying closure · 1.2 GB of 2.0 GB',
      '  │            attempt 3 in 12 s · last error: elitedesk-1 is unreachable: No',
      '  │            route to host',
    ]);
  });

  it('says a reason once that the summary gives already', () => {
    const failure = { type: 'GateRefused', message: 'nuc-1 is Offline.', whatToDo: 'Power it on.' };
    const result = {
      outcome: 'Failed' as const,
      summary: 'Not started: nuc-1 is Offline.',
      failure,
      left: [],
      next: [],
    };
    const run = aRun({ status: 'Failed', closedAt: at(3), view: aView({ result, steps: [] }) });
    const lines = renderWatch({ run }, at80);
    expect(lines.filter((line) => line.includes('nuc-1'))).toEqual(['Not started: nuc-1 is Offline.']);
    expect(lines).toContain('What to do: Power it on.');
  });

  it('shows each gate that refused once, with its remedy', () => {
    const gates = [
      { name: 'members', verdict: 'refused', message: 'nuc-1 is Offline.', whatToDo: 'Power it on.' },
      { name: 'clocks', verdict: 'passed', message: 'Clocks agree' },
      { name: 'pool', verdict: 'refused', message: 'Pool tank is DEGRADED.', whatToDo: 'Mend the disk.' },
    ] as const;
    const result = {
      outcome: 'Failed' as const,
      summary: 'Not started: 2 gates refuse. Nothing was changed.',
      failure: { type: 'GateRefused', message: gates.map(({ message }) => message).join(' '), whatToDo: 'Both.' },
      left: [],
      next: [],
    };
    const view = aView({ result, gates: [...gates], steps: [] });
    expect(renderWatch({ run: aRun({ status: 'Failed', closedAt: at(3), view }) }, at80).slice(2)).toEqual([
      '  ✘ nuc-1 is Offline.',
      '    Power it on.',
      '  ✘ Pool tank is DEGRADED.',
      '    Mend the disk.',
      'Not started: 2 gates refuse. Nothing was changed.',
    ]);
  });

  it('keeps the lines of a mistake in the fleet file, and shows them once', () => {
    const first = 'runbook.yaml:14:13  error  Expected an address like 10.0.0.11, got "10.0.0.256"';
    const message = `${first}\n   14 |     address: 10.0.0.256\n      |              ^^^^^^^^^^`;
    const step = { id: 'scope', phase: 'gate', title: 'fleet file', state: 'failed', detail: first } as const;
    const failure = { type: 'BadConfig', message, whatToDo: 'Correct it.' };
    const result = { outcome: 'Failed' as const, summary: 'Nothing was changed.', failure, left: [], next: [] };
    const run = aRun({ status: 'Failed', closedAt: at(3), view: aView({ result, steps: [step] }) });
    expect(renderWatch({ run }, { ...at80, width: 90 }).slice(2)).toEqual([
      '  ✘ gate   fleet file   failed',
      '',
      'Nothing was changed.',
      'Why:',
      first,
      '   14 |     address: 10.0.0.256',
      '      |              ^^^^^^^^^^',
      'What to do: Correct it.',
    ]);
    const log = changesBetween({}, { run }).flatMap((change) => renderChange(change, run, now));
    expect(log.filter((line) => line.includes('10.0.0.256"'))).toEqual([first]);
  });

  it('asks nothing in the name of a run that was ended from outside', () => {
    const approval = { id: 'reboot', question: 'Restart?', consequences: [], askedAt: at(0), deadline: at(3600) };
    const run = aRun({ status: 'Terminated', closedAt: at(9), view: aView({ approval, paused: true }) });
    expect(renderWatch({ run }, at80).join('\n')).not.toMatch(/Restart\?|runbook resume/);
    expect(changesBetween({}, { run }).map(({ type }) => type)).toEqual(['step', 'step', 'step', 'step', 'over']);
  });

  it('tells decisions among the steps in the order in which they were taken', () => {
    const decision = { approvalId: 'reboot', approved: true, actor: 'ada', reason: 'yes', at: at(4) };
    const run = aRun({ status: 'Completed', closedAt: at(46), view: aView({ decisions: [decision] }) });
    const told = changesBetween({}, { run }).map((change) => (change.type === 'step' ? change.step.id : change.type));
    expect(told).toEqual(['gate', 'decided', 'snapshot', 'deploy', 'deploy-home', 'over']);
  });

  it('tells steps that overtook each other in the order of their instants, warnings after them', () => {
    const [gate, snapshot, ...others] = aView().steps;
    if (!gate || !snapshot) throw new Error('the fixture has no steps');
    const steps = [{ ...gate, endedAt: at(30) }, snapshot, ...others];
    const run = aRun({ view: aView({ steps, warnings: ['careful'] }) });
    const told = changesBetween({}, { run }).map((change) => (change.type === 'step' ? change.step.id : change.type));
    expect(told).toEqual(['snapshot', 'deploy', 'deploy-home', 'gate', 'warning']);
  });

  it('tells no instant after the end of a run, whenever it is looked at', () => {
    const run = aRolledBackRun();
    const aYearLater = now + 365 * 86_400_000;
    const log = changesBetween({}, { run }).flatMap((change) => renderChange(change, run, aYearLater));
    const instants = log.flatMap((line) => /^\d{4}-\S+Z/.exec(line) ?? []);
    expect(log.join('\n')).toContain('not needed');
    expect(instants.filter((each) => Date.parse(each) > Date.parse(run.closedAt ?? ''))).toEqual([]);
  });

  it('says how it ended, why, what is left and what to type', () => {
    expect(renderWatch({ run: aRolledBackRun() }, at80)).toEqual([
      'safe-upgrade/elitedesk-1 · rolled back · took 2 min 10 s · revision 3f9c1e2',
      '',
      '  ✔ deploy      host → 26.05.3                                              58 s',
      '  ✘ verify      edge-vm https://edge.lan/health                             30 s',
      '  │             failed: 502 for 30 s (expected 200)',
      '  ↩ roll back   containers caddy, oauth2-proxy   healthy                     6 s',
      '  - roll back   host   not needed: it is healthy at 26.05.3',
      '',
      'elitedesk-1 runs 26.05.3; edge-vm runs its former containers.',
      'Why: edge-vm answered 502.',
      'What to do: Look at the release of caddy.',
      'Left behind:',
      '  Snapshots runbook-20261123-0214 are kept until 30 Nov.',
      '  runbook report safe-upgrade/elitedesk-1   what happened, minute by minute',
    ]);
  });

  it('says that there are texts for the monorepo, and how to see them', () => {
    const result = {
      outcome: 'Done' as const,
      summary: 'n1, n2 are one cluster.',
      left: [],
      handOver: [
        { path: 'infra/incus/cluster.tf', about: 'names of pools, 2 import blocks', text: 'locals {}\n' },
        { path: 'host/incus.nix', text: '{ }\n' },
      ],
      next: [{ command: 'runbook show cluster-bootstrap/all', purpose: 'what Terraform and NixOS need to know' }],
    };
    const run = aRun({ status: 'Completed', closedAt: at(3), view: aView({ result, steps: [] }) });
    expect(renderWatch({ run }, at80).slice(-5)).toEqual([
      'n1, n2 are one cluster.',
      'For the monorepo:',
      '  infra/incus/cluster.tf: names of pools, 2 import blocks',
      '  host/incus.nix',
      '  runbook show cluster-bootstrap/all   what Terraform and NixOS need to know',
    ]);
  });

  it('shows the question of a run with the commands that answer it', () => {
    const approval = {
      id: 'reboot',
      question: 'Restart elitedesk-1 now?',
      consequences: ['yes: 3 guests stop for 2 minutes'],
      askedAt: at(0),
      deadline: at(3600),
    };
    expect(renderWatch({ run: aRun({ view: aView({ approval, steps: [] }) }) }, at80)).toEqual([
      'safe-upgrade/elitedesk-1 · waits for you · 46 s · revision 3f9c1e2',
      '',
      '  ? Restart elitedesk-1 now?',
      '    yes: 3 guests stop for 2 minutes',
      '    waiting 46 s, until 2026-11-23 03:14:00 UTC (59 min left)',
      '    runbook approve safe-upgrade/elitedesk-1 --approval reboot --reason …',
      '    runbook reject safe-upgrade/elitedesk-1 --approval reboot --reason …',
    ]);
  });

  it('leaves the name that a yes has to carry for the person to type', () => {
    const approval = { id: 'forget', question: 'Forget?', consequences: [], askedAt: at(0), deadline: at(3600) };
    const view = aView({ approval: { ...approval, expects: 'nuc-1' }, steps: [] });
    const shown = renderWatch({ run: aRun({ view }) }, { ...at80, width: 100 });
    expect(shown).toContain('    runbook approve safe-upgrade/elitedesk-1 --name … --approval forget --reason …');
    expect(shown).toContain('    runbook reject safe-upgrade/elitedesk-1 --approval forget --reason …');
  });

  it('says who has said yes, and that it waits for somebody else', () => {
    const question = { id: 'forget', question: 'Forget?', consequences: [], askedAt: at(0), deadline: at(3600) };
    const approval = { ...question, needs: { people: 2, notBy: 'cleo@nas' }, approvedBy: ['ada@laptop'] };
    const said =
      'Needs 2 people other than cleo@nas, who started it: ada@laptop has said yes; waits for somebody else.';
    const wide = { ...at80, width: 200 };
    expect(renderWatch({ run: aRun({ view: aView({ approval, steps: [] }) }) }, wide)).toContain(`    ${said}`);
    expect(renderChange({ type: 'asked', approval }, aRun(), now)).toContain(`    ${said}`);
    const count = { yes: 1, of: 2 };
    const decision = {
      approvalId: 'forget',
      approved: true,
      actor: 'ada@laptop',
      reason: 'so be it',
      at: at(4),
      count,
    };
    expect(renderChange({ type: 'decided', decision }, aRun(), now).join('')).toContain(
      'approved (1 of 2) by ada@laptop',
    );
    expect(decisionText(decision)).toBe('forget approved (1 of 2) by ada@laptop: so be it');
  });

  it('says that the server does not answer, and that no worker takes the work', () => {
    const lost = renderWatch({ run: aRun(), lost: { since: at(16), message: 'connect ECONNREFUSED' } }, at80);
    expect(lost.join('\n')).toContain('  ! Temporal has not answered for 30 s: connect ECONNREFUSED. Still trying;');
    const idle = renderWatch({ run: aRun(), noWorker: { since: at(36), taskQueue: 'runbook' } }, at80);
    expect(idle.at(-2)).toBe('  ! No worker polls task queue runbook; work has waited 10 s. Start one: runbook');
  });

  it('sums up finished steps where the terminal is too low, and keeps what matters', () => {
    const lines = renderWatch({ run: aRun() }, { ...at80, height: 7 });
    expect(lines.length).toBeLessThan(7);
    expect(lines).toContain('  ✔ 2 steps finished');
    expect(lines.some((line) => line.includes('host → 26.05.3'))).toBe(true);
  });

  const hostile = aRun({
    workflowId: `safe-upgrade/\u001b[31m${'名'.repeat(60)}`,
    view: aView({
      steps: aView().steps.map((step) => ({
        ...step,
        title: `${step.title} \u202e\u0007${'x'.repeat(200)}`,
        detail: '👩‍👩‍👧‍👦 '.repeat(40),
      })),
      warnings: ['\u009b2J cleared', 'w'.repeat(500)],
    }),
  });

  describe.each([40, 80, 120])('at %i columns', (width) => {
    it.each([
      ['a run', aRun()],
      ['a rolled back run', aRolledBackRun()],
      ['hostile text', hostile],
    ])('is never wider, with %s', (_name, run) => {
      for (const colour of [false, true]) {
        const lines = renderWatch({ run, noWorker: { since: at(1), taskQueue: 'runbook' } }, { width, colour, now });
        for (const line of lines) expect(stringWidth(line)).toBeLessThanOrEqual(width);
      }
    });

    it.each([
      ['a run', aRun()],
      ['a rolled back run', aRolledBackRun()],
      ['hostile text', hostile],
    ])('says the same with and without colour, with %s', (_name, run) => {
      const plain = renderWatch({ run }, { width, colour: false, now });
      const painted = renderWatch({ run }, { width, colour: true, now });
      expect(painted.map(stripVTControlCharacters)).toEqual(plain);
      expect(painted).not.toEqual(plain);
      // eslint-disable-next-line no-control-regex -- looking for what must not be there
      expect(plain.join('')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
    });
  });
});
