import type { RestorationRef, RunRef } from '../../activities/contract.ts';
import { durationMs } from '../../plan/duration.ts';
import { describeRejoinStep, type RejoinStep } from '../../plan/node-rejoin.ts';
import type { RejoinScope } from '../../plan/rejoin.ts';
import { receiveReplica } from '../restore/receive.ts';
import type { Run } from '../support/run.ts';
import type { Done } from './steps.ts';

export type TakeBackStep = Extract<RejoinStep, { type: 'receive' | 'take in' }>;

export const isTakeBack = (step: RejoinStep): step is TakeBackStep =>
  step.type === 'receive' || step.type === 'take in';

/** A volume from its replica under its own name, as `restore` makes one beside the original. */
export async function takeBack(
  run: Run,
  { fleet, name }: RunRef,
  { member, stallTimeout }: RejoinScope,
  step: TakeBackStep,
): Promise<Done> {
  const work: RestorationRef = { fleet, name, restoration: step.restoration, stallMs: durationMs(stallTimeout) };
  const spec = describeRejoinStep(step, member);
  const done = { step, left: [], kept: [] };
  if (step.type === 'receive') return { ...done, reached: await receiveReplica(run, work, spec) };
  const reached = await run.step(
    { ...spec, kind: 'act' },
    async (act) => {
      const recovered = await act.recoverVolume(work);
      await act.verifyRestored(work);
      return recovered;
    },
    (state) => ({ state, detail: 'listed, writable, the same snapshot' }),
  );
  return { ...done, reached };
}
