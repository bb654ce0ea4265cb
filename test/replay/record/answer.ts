import type { WorkflowHandle } from '@temporalio/client';
import type { RunView } from '../../../plan/run.ts';
import { DECIDE_UPDATE, VIEW_QUERY, type DecideArgs } from '../../../workflows/messages.ts';
import { eventually } from '../../hosts/eventually.ts';

/** Answers the question that a run asks, once it does. */
export async function answer(
  handle: WorkflowHandle,
  said: Pick<DecideArgs, 'approved' | 'name' | 'names' | 'plan'> & { actor?: string },
): Promise<void> {
  const asks = async (): Promise<boolean> => {
    const { approval, result } = await handle.query<RunView>(VIEW_QUERY);
    if (result) throw new Error(`Expected a question, got the end: ${JSON.stringify(result)}`);
    return approval !== undefined;
  };
  await eventually('it asks', asks, 120_000);
  const args: DecideArgs = { actor: 'tester', reason: 'as recorded', ...said };
  await handle.executeUpdate(DECIDE_UPDATE, { args: [args] });
}
