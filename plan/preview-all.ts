import { count } from './count.ts';
import type { Outcome, RunResult, RunView, StepView } from './run.ts';

export interface MemberPlan {
  member: string;
  view: RunView;
}

/** The plans of members, in the order in which they would be upgraded, as the plan of all. Pure. */
export function planOfMembers(
  plans: readonly MemberPlan[],
  { asks }: { asks: boolean },
): Pick<RunView, 'steps' | 'gates'> & { result: RunResult } {
  const first = plans.findIndex(({ view }) => outcomeOf(view) === 'Done');
  return {
    steps: plans.flatMap((plan, at) => [
      ...(asks && first !== -1 && at > first ? [asksFirst(plan)] : []),
      ...stepsOf(plan),
    ]),
    gates: gatesOf(plans),
    result: resultOf(plans),
  };
}

const outcomeOf = (view: RunView): Outcome | undefined => view.result?.outcome;

const asksFirst = ({ member }: MemberPlan): StepView => ({
  id: `${member}/ask`,
  member,
  phase: 'drain',
  title: 'asks first',
  state: 'pending',
});

/** What a member would do, or in one line why it would do nothing. */
function stepsOf({ member, view }: MemberPlan): StepView[] {
  const line = (state: StepView['state'], title: string): StepView[] => [
    { id: `${member}/all`, member, phase: 'deploy', title, state },
  ];
  switch (outcomeOf(view)) {
    case 'Done':
      return view.steps
        .filter(({ state }) => state === 'pending' || state === 'already')
        .map((step) => ({ ...step, id: `${member}/${step.id}`, member }));
    case 'AlreadySo':
      return line('already', 'its system and its guests');
    case 'RolledBack':
    case 'Failed':
    case undefined:
      return line('failed', whyNot(view));
  }
}

/** Gates say below why; anything else is said here. */
function whyNot({ gates, result }: RunView): string {
  const refusals = gates.filter(({ verdict }) => verdict === 'refused').length;
  if (refusals > 0) return `would not start: ${count(refusals, 'gate')} would refuse`;
  return (result?.failure?.message ?? result?.summary ?? '').split('\n')[0] ?? '';
}

/** What is so for the whole cluster, every member says: once is enough. */
function gatesOf(plans: readonly MemberPlan[]): RunView['gates'] {
  const unique = new Map(
    plans.flatMap(({ view }) => view.gates.map((gate) => [`${gate.verdict} ${gate.message}`, gate])),
  );
  return [...unique.values()];
}

function resultOf(plans: readonly MemberPlan[]): RunResult {
  const stops = plans.find(({ view }) => outcomeOf(view) !== 'Done' && outcomeOf(view) !== 'AlreadySo');
  const nothing = { left: [], next: [] };
  if (stops)
    return {
      outcome: 'Failed',
      summary: `It would stop at ${stops.member}. Nothing was changed.`,
      unchanged: true,
      ...(stops.view.result?.failure && { failure: stops.view.result.failure }),
      ...nothing,
    };
  if (plans.every(({ view }) => outcomeOf(view) === 'AlreadySo'))
    return { outcome: 'AlreadySo', summary: 'Every member is already so. Nothing was changed.', ...nothing };
  return {
    outcome: 'Done',
    summary: 'Nothing was changed.',
    left: [],
    next: [{ command: 'runbook start safe-upgrade --all', purpose: 'do it' }],
  };
}
