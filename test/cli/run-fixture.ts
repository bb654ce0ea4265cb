import type { RunView, StepView } from '../../plan/run.ts';
import type { RunState } from '../../cli/run-state.ts';

export const START = '2026-11-23T02:14:00.000Z';
/** That many seconds after the start. */
export const at = (seconds: number): string => new Date(Date.parse(START) + seconds * 1000).toISOString();

const step = (id: string, phase: StepView['phase'], title: string, rest: Partial<StepView> = {}): StepView => ({
  id,
  phase,
  title,
  state: 'pending',
  ...rest,
});

/** A safe-upgrade in the middle of its deployment. */
export function aView(rest: Partial<RunView> = {}): RunView {
  return {
    runbook: 'safe-upgrade',
    subject: 'elitedesk-1',
    name: 'runbook-20261123-0214-3f9c',
    revision: '3f9c1e2000000000000000000000000000000000',
    phase: 'deploy',
    steps: [
      step('gate', 'gate', '9 of 9', { state: 'done', startedAt: at(0), endedAt: at(2) }),
      step('snapshot', 'snapshot', 'edge-vm, home-vm, 2 volumes', { state: 'done', startedAt: at(2), endedAt: at(5) }),
      step('deploy', 'deploy', 'host → 26.05.3', { state: 'running', startedAt: at(5) }),
      step('deploy-home', 'deploy', 'home-vm', {
        state: 'already',
        detail: '26.05.3',
        startedAt: at(5),
        endedAt: at(5),
      }),
      step('verify', 'verify', '4 probes, 60 s of quiet'),
    ],
    paused: false,
    decisions: [],
    waitingFor: [],
    warnings: [],
    gates: [],
    ...rest,
  };
}

export function aRun(rest: Partial<RunState> = {}): RunState {
  return {
    workflowId: 'safe-upgrade/elitedesk-1',
    runId: '01a20883-5e19-761d-bd6a-24af546cae64',
    workflowType: 'safeUpgrade',
    status: 'Running',
    startedAt: START,
    view: aView(),
    pending: [],
    ...rest,
  };
}

/** The same, rolled back after its verification failed. */
export function aRolledBackRun(): RunState {
  const view = aView({
    phase: 'roll back',
    steps: [
      step('deploy', 'deploy', 'host → 26.05.3', { state: 'done', startedAt: at(5), endedAt: at(63) }),
      step('verify', 'verify', 'edge-vm https://edge.lan/health', {
        state: 'failed',
        detail: '502 for 30 s (expected 200)',
        startedAt: at(63),
        endedAt: at(93),
      }),
      step('undo', 'roll back', 'containers caddy, oauth2-proxy', {
        state: 'done',
        detail: 'healthy',
        startedAt: at(93),
        endedAt: at(99),
      }),
      step('undo-host', 'roll back', 'host', { state: 'not needed', detail: 'it is healthy at 26.05.3' }),
    ],
    decisions: [{ approvalId: 'reboot', approved: true, actor: 'ada@laptop', reason: 'nobody is at home', at: at(4) }],
    result: {
      outcome: 'RolledBack',
      summary: 'elitedesk-1 runs 26.05.3; edge-vm runs its former containers.',
      failure: { type: 'Unhealthy', message: 'edge-vm answered 502.', whatToDo: 'Look at the release of caddy.' },
      left: ['Snapshots runbook-20261123-0214 are kept until 30 Nov.'],
      next: [{ command: 'runbook report safe-upgrade/elitedesk-1', purpose: 'what happened, minute by minute' }],
    },
  });
  return aRun({ status: 'Failed', closedAt: at(130), closeReason: 'rolled back', view });
}
