import { describe, expect, it } from '@jest/globals';
import { endingSentence, renderDetails } from '../../plan/details.ts';
import type { RunResult, RunView } from '../../plan/run.ts';

const rolledBack: RunResult = {
  outcome: 'RolledBack',
  summary: 'elitedesk-1 runs 26.05.2. Healthy.',
  failure: { type: 'Unhealthy', message: 'edge-vm 502 for https://edge.lan/health', whatToDo: 'Look at the probe.' },
  left: ['Snapshots runbook-20261123-0214-3f9c are kept until 2026-11-30.'],
  next: [{ command: 'runbook report safe-upgrade/elitedesk-1', purpose: 'what happened' }],
};

const aView = (rest: Partial<RunView> = {}): RunView => ({
  runbook: 'safe-upgrade',
  subject: 'elitedesk-1',
  name: 'runbook-20261123-0214-3f9c',
  revision: '3f9c1e2b0000000000000000000000000000000a',
  phase: 'verify',
  steps: [
    { id: 'deploy', phase: 'deploy', title: 'host → 26.05.3', state: 'done' },
    { id: 'guest', phase: 'deploy', title: 'edge-vm', state: 'already' },
    { id: 'verify', phase: 'verify', title: '4 probes', state: 'failed', detail: 'edge-vm 502' },
    { id: 'soak', phase: 'verify', title: '60s of quiet', state: 'not needed' },
  ],
  paused: false,
  decisions: [],
  waitingFor: [],
  warnings: [],
  gates: [],
  ...rest,
});

describe('the page about a run in the Web UI', () => {
  it('says how it ended, why and what remains before it lists the steps', () => {
    const page = renderDetails(aView({ result: rolledBack }));
    const order = [
      '**Rolled back** — elitedesk-1 runs 26.05.2',
      '**Why:** edge-vm 502',
      '**Left behind:**',
      '**Steps:**',
    ];
    const places = order.map((text) => page.indexOf(text));
    expect(places).not.toContain(-1);
    expect(places).toEqual([...places].sort((a, b) => a - b));
  });

  it('tells a step that was not needed from one that was so already', () => {
    const page = renderDetails(aView());
    expect(page).toContain('- = deploy: edge-vm — already so');
    expect(page).toContain('- – verify: 60s of quiet — not needed');
    expect(page).toContain('- ✘ verify: 4 probes — edge-vm 502');
    expect(page).toContain('- ✔ deploy: host → 26.05.3\n');
  });

  it('shows what a run waits for, with the commands that answer', () => {
    const page = renderDetails(
      aView({
        approval: {
          id: 'reboot',
          question: 'Restart elitedesk-1?',
          consequences: ['Yes: its instances are stopped.'],
          askedAt: '2026-11-23T02:14:00.000Z',
          deadline: '2026-11-23T10:14:00.000Z',
        },
        waitingFor: [{ resource: 'member/elitedesk-1', holder: 'safe-upgrade/edge-vm' }],
      }),
    );
    expect(page).toContain('**Waits for a person until 2026-11-23T10:14:00.000Z:** Restart elitedesk-1?');
    expect(page).toContain('runbook approve safe-upgrade/elitedesk-1 --reason …');
    expect(page).toContain('Waits for `member/elitedesk-1`, which `safe-upgrade/edge-vm` holds.');
  });
});

describe('the message of a run that ended red', () => {
  it('says the outcome, why, and what holds now', () => {
    expect(endingSentence(rolledBack)).toBe(
      'Rolled back: edge-vm 502 for https://edge.lan/health. elitedesk-1 runs 26.05.2. Healthy.',
    );
  });

  it('does not say the same thing twice', () => {
    const message = 'nuc-1 is Offline.';
    const refused: RunResult = {
      outcome: 'Failed',
      summary: `Not started: ${message}`,
      failure: { type: 'GateRefused', message, whatToDo: 'Mend it.' },
      left: [],
      next: [],
    };
    expect(endingSentence(refused)).toBe('Failed: Not started: nuc-1 is Offline.');
  });
});
