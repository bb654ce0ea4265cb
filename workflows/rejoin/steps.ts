import type { RunRef } from '../../activities/contract.ts';
import { count } from '../../plan/count.ts';
import type { RejoinStep } from '../../plan/node-rejoin.ts';
import { inProject } from '../../plan/projects.ts';
import type { StepActivities } from '../support/activities.ts';
import type { TakeBackStep } from './take-back.ts';

/** What became of a step. */
export interface Done {
  step: RejoinStep;
  reached: 'done' | 'already';
  detail?: string;
  /** For the end of the run: what stays, and why. */
  left: string[];
  /** Datasets that stay set aside. */
  kept: string[];
}

/** Whether all is well is asked by the workflow itself; volumes from replicas are work of their own. */
type ActStep = Exclude<RejoinStep, { type: 'health' } | TakeBackStep>;

export async function perform(act: StepActivities, ref: RunRef & { member: string }, step: ActStep): Promise<Done> {
  const plain = (reached: 'done' | 'already', detail?: string, left: string[] = []): Done => ({
    ...{ step, reached, left, kept: [] },
    ...(detail === undefined ? {} : { detail }),
  });
  switch (step.type) {
    case 'import':
      return plain(await act.importPool({ ...ref, zpool: step.zpool, force: step.force }));
    case 'remember':
      return plain(await act.rememberMember({ ...ref, via: step.via }));
    case 'note declared':
      return plain(await act.rememberMember({ ...ref, via: step.via, isForgotten: true }));
    case 'identity':
      return adopt(act, ref, step);
    case 'set aside':
      return plain(await act.setAside({ ...ref, pool: step.pool, at: new Date().toISOString() }));
    case 'forget':
      return plain(await act.forgetLostMember({ ...ref, via: step.via }));
    case 'join': {
      const joined = await act.joinCluster({ ...ref, via: step.via });
      return plain(joined === 'already' ? 'already' : 'done', joined === 'anew' ? ANEW : undefined);
    }
    case 'move back': {
      const moved = await act.moveBack({
        ...ref,
        pool: step.pool,
        ...(step.leave === undefined ? {} : { leave: step.leave }),
      });
      return plain(moved === 0 ? 'already' : 'done', count(moved, 'dataset'));
    }
    case 'recover': {
      const recovered = await act.recoverPools({ ...ref, pools: step.pools });
      return plain(recovered.length === 0 ? 'already' : 'done', recovered.join(', '));
    }
    case 'remind': {
      const reminded = await act.remindMember({ ...ref, via: step.via });
      if (reminded !== 'nothing known') return plain(reminded);
      return plain('already', reminded, [
        'Configuration of volumes, groups and the member is as Incus guessed it: what it was is not known any more.',
      ]);
    }
    case 'online':
      return plain(await act.awaitOnline({ ...ref, via: step.via }));
    case 'follow': {
      const { restarted } = await act.followDatabase({ ...ref, via: step.via });
      return restarted === undefined ? plain('already') : plain('done', `Incus was restarted on ${restarted}`);
    }
    case 'remake':
      return plain(await act.remakeInstance({ ...ref, instance: step.instance }), undefined, [
        `${inProject(step.instance)} is of its image: what was on its own disk is lost.`,
      ]);
    case 'instances': {
      const { started, running, held } = await act.startInstances(ref);
      const detail = started.length > 0 ? `started ${started.join(', ')}` : `${running.length} run already`;
      return plain(started.length > 0 ? 'done' : 'already', detail, held);
    }
    case 'forget notes': {
      const { missing, unseen = [], leave } = step;
      const kept = await act.endRejoin({
        ...ref,
        ...(missing === undefined ? {} : { missing, unseen }),
        ...(leave === undefined ? {} : { leave }),
      });
      const left = kept.map((dataset) => `${dataset} on ${ref.member} stays set aside, until you release it by name.`);
      return { ...plain(kept.length === 0 ? 'already' : 'done', undefined, left), kept };
    }
  }
}

const ANEW = 'an interrupted join was taken back first';

async function adopt(
  act: StepActivities,
  ref: RunRef & { member: string },
  step: Extract<RejoinStep, { type: 'identity' }>,
): Promise<Done> {
  const { place, path } = step.copy;
  const { staged } = await act.restoreIdentity({ ...ref, place, path });
  const reached = await act.adoptIdentity({ ...ref, via: step.via, staged });
  const left = `What the new Incus of ${ref.member} had made for itself is set aside there: runbook list-kept.`;
  return { step, reached, left: [left], kept: [] };
}
