import type { ResticMaintenanceResult, ResticRepositoryScope } from '../plan/restic.ts';
import type { ResticProblem } from '../tools/restic-command.ts';
import {
  readResticCheck,
  readResticForget,
  readResticPrune,
  resticCheckArgv,
  resticForgetArgv,
  resticPruneArgv,
} from '../tools/restic-maintenance.ts';
import type { StoredResticLedger } from '../tools/restic-ledger.ts';
import type { Ran } from '../tools/result.ts';
import type { ResticMaintenanceInput } from './contract.ts';
import type { Deps } from './deps.ts';
import { failure } from './failure.ts';
import type { ActivityContext } from './guard.ts';
import { resticFailure } from './restic-failure.ts';
import { runRestic } from './restic-jobs.ts';
import { keepLedger, ledgerOf } from './restic-ledger.ts';
import { hostOf, repositoryIn, resticScope, sourceIn } from './restic-scope.ts';

type Step = ResticMaintenanceInput['step'];
type Answer = { type: 'forgotten' | 'pruned' | 'sound' } | { type: 'refused' | 'damaged'; message: string };

/** Forget, prune or check. What was done is written down; a second attempt finds the job. */
export async function maintainRestic(
  deps: Deps,
  { fleet: ref, name, repository: id, step }: ResticMaintenanceInput,
  context: ActivityContext,
): Promise<ResticMaintenanceResult> {
  const fleet = await deps.fleetAt(ref);
  const repository = repositoryIn(resticScope(fleet), id);
  const access = repository.maintenance;
  const host = hostOf(deps, fleet, access);
  const ledger = await ledgerOf(host, id, context);
  const suffix = step.type === 'forget' ? `forget-${step.source}` : step.type;
  const job = { name: `${name}-restic-${id}-${suffix}`, argv: argvOf(repository, step), access, repository: id };
  const title = `${step.type} ${repository.repository}`;
  const answer = await runRestic<Answer>(host, job, context, readerOf(step), (lines) => said(title, lines));
  const at = new Date().toISOString();
  switch (answer.type) {
    case 'forgotten':
    case 'pruned':
    case 'sound':
      await keepLedger(host, id, noted(ledger, step, at), context);
      return { type: 'done' };
    case 'damaged':
      await keepLedger(host, id, noted(ledger, step, at, answer.message), context);
      return { type: 'damaged', message: answer.message };
    case 'refused':
    case 'locked':
      return { type: answer.type, message: answer.message };
    case 'no repository':
    case 'wrong password':
    case 'bad environment':
    case 'unexpected':
      return { type: 'failed', message: resticFailure(host, answer).message };
  }
}

function argvOf(repository: ResticRepositoryScope, step: Step): string[] {
  const access = repository.maintenance;
  if (step.type === 'prune') return resticPruneArgv(access);
  if (step.type === 'check') return resticCheckArgv(access, step);
  const { guest: hostname, tags, keep, title } = sourceIn(repository, step.source);
  if (keep === undefined) throw failure('BadConfig', `runbook.yaml does not say which snapshots of ${title} to keep.`);
  return resticForgetArgv(access, { hostname, tags, keep });
}

function readerOf({ type }: Step): (ran: Ran) => Answer | ResticProblem {
  switch (type) {
    case 'forget':
      return readResticForget;
    case 'prune':
      return readResticPrune;
    case 'check':
      return readResticCheck;
  }
}

function noted(ledger: StoredResticLedger, step: Step, at: string, damage?: string): StoredResticLedger {
  if (step.type === 'forget') return { ...ledger, forgets: { ...ledger.forgets, [step.source]: at } };
  if (step.type === 'prune') return { ...ledger, prune: at };
  const { subset, of } = step;
  return { ...ledger, check: { at, subset, of, ...(damage === undefined ? {} : { damage }) } };
}

/** The last words that are for people. */
function said(title: string, lines: readonly string[]): string {
  const last = lines.filter((line) => !line.startsWith('{') && line.trim() !== '').at(-1);
  return last === undefined ? title : `${title}: ${last.trim().slice(0, 120)}`;
}
