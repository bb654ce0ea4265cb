import {
  ChildWorkflowCancellationType,
  ChildWorkflowFailure,
  executeChild,
  isCancellation,
  ParentClosePolicy,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type { RunResult, RunView } from '../plan/run.ts';
import { endedBy, viewOfChild, type Ended } from './all/results.ts';
import type { infraApply } from './infra-apply.ts';
import { allApplied, allPlanned, cancelledAll, isAnyChanged, noFolders } from './infra/all-results.ts';
import { planWorkflowId, workflowId, type InfraApplyAllInput } from './messages.ts';
import { conclude } from './support/conclude.ts';
import { describeFailure, failure } from './support/failures.ts';
import { Run } from './support/run.ts';

/**
 * Every member that has a folder, one after the other, each by a run of its own that asks for itself. Their states are apart: a
 * no to one says nothing of the next.
 */
export async function infraApplyAll(input: InfraApplyAllInput): Promise<RunView> {
  const run = new Run({
    runbook: 'infra-apply',
    subject: 'all',
    revision: input.fleet.revision,
    startedBy: input.actor,
  });
  return conclude(
    run,
    async () => {
      const nodes = await run.step(
        { id: 'fleet', phase: 'gate', title: 'members with a folder', kind: 'observe' },
        (act) => act.infraNodes({ fleet: input.fleet }),
        (found) => ({ state: 'done', detail: found.length === 0 ? 'none' : found.join(', ') }),
      );
      if (nodes.length === 0) return noFolders();
      return each(run, nodes, input);
    },
    input,
  );
}

async function each(run: Run, nodes: readonly string[], input: InfraApplyAllInput): Promise<RunResult> {
  const ended: Ended[] = [];
  if (!input.planOnly)
    run.announce(nodes.map((node) => ({ id: `node-${node}`, phase: 'apply', title: node, state: 'pending' })));
  try {
    for (const node of nodes) {
      const { view, end } = await ofNode(run, node, input);
      ended.push(end);
      if (end.failure?.type === 'Cancelled') break;
      if (input.planOnly) run.announce(stepsOf(node, view));
    }
  } catch (error) {
    if (input.planOnly || !isAnyChanged(ended)) throw error;
    return cancelledAll(nodes, ended, describeFailure(error));
  }
  return input.planOnly ? allPlanned(ended) : allApplied(nodes, ended);
}

/** What it would do to one of several, as its own plan says. */
const stepsOf = (node: string, view: RunView | undefined): RunView['steps'] =>
  (view?.steps ?? [])
    .filter(({ phase }) => phase === 'apply')
    .map((step) => ({ ...step, id: `${node}-${step.id}`, member: node }));

/** A step that ends as the member's own run does; the run itself is to be watched under its own id. */
async function ofNode(
  run: Run,
  node: string,
  input: InfraApplyAllInput,
): Promise<{ view: RunView | undefined; end: Ended }> {
  let view: RunView | undefined;
  try {
    view = await run.step(
      { id: `node-${node}`, phase: input.planOnly ? 'plan' : 'apply', title: node, kind: 'act' },
      () => runChild(node, run.view.name, input),
      ({ result }) => ({
        state: result?.outcome === 'AlreadySo' ? 'already' : 'done',
        ...(result === undefined ? {} : { detail: result.summary }),
      }),
    );
    return { view, end: endedBy(node, view) };
  } catch (error) {
    if (isCancellation(error) && !(error instanceof ChildWorkflowFailure)) throw error;
    return { view: viewOfChild(error), end: endedBy(node, viewOfChild(error), error) };
  }
}

/** One that somebody else has started is theirs: it says so and is passed over. */
async function runChild(node: string, name: string, input: InfraApplyAllInput): Promise<RunView> {
  try {
    return await executeChild<typeof infraApply>('infraApply', {
      workflowId: input.planOnly ? planWorkflowId('infra-apply', node, name) : workflowId('infra-apply', node),
      args: [{ ...input, node }],
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
      // Whoever terminates this run must not leave an apply half-way.
      parentClosePolicy: ParentClosePolicy.ABANDON,
      staticSummary: `infra-apply of ${node}`,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    throw failure('Busy', `infra-apply/${node} runs already: it goes on by itself.`);
  }
}
