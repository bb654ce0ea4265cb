import type { RunView } from '../../plan/run.ts';

/** What a cancel comes to where the run is now: the end of `… is asked to stop.` Pure. */
export function cancelOutlook(view: RunView | undefined): string {
  if (view?.runbook === 'cluster-upgrade') return clusterOutlook(view);
  if (view?.runbook === 'cluster-bootstrap' || view?.runbook === 'node-rejoin')
    return 'What it made stays: started again, it goes on from there.';
  if (view?.runbook === 'nightly-backup')
    return 'Copies that it made stay, and what arrived of others: the next run goes on from there.';
  if (view?.runbook === 'restore' && !['roll back', 'clean up'].includes(view.phase))
    return isInPlace(view)
      ? 'The original is put back first, and its guests are started.'
      : 'What arrived stays, and the original is as it was: the end says how to go on.';
  if (view?.runbook === 'identity-backup') return 'Copies that it made stay.';
  if (view?.runbook === 'node-reinstall')
    return view.phase === 'install'
      ? 'What the command has begun goes on; started again, it looks first.'
      : 'Nothing was changed.';
  if (view?.runbook === 'quorum-recover')
    return view.phase === 'recover' || view.phase === 'verify'
      ? 'But it goes on to its end: half-way no Incus would run.'
      : 'Nothing was changed.';
  if (view?.runbook === 'member-remove')
    return view.phase === 'remove'
      ? 'What Incus has begun goes on; started again, it looks first.'
      : 'Nothing was changed.';
  if (view?.runbook === 'drift') return 'Nothing was changed.';
  if (view?.runbook === 'restore-drill') return 'What it has restored is removed first; what is proven stays so.';
  if (view?.runbook === 'backups-resolve')
    return view.phase === 'restore'
      ? 'What it has begun is over in a moment; started again, it looks first.'
      : 'Nothing was changed.';
  if (view?.runbook === 'infra-apply')
    return view.phase === 'snapshot' || view.phase === 'apply' || view.phase === 'verify'
      ? 'But what Terraform has begun goes on to its end: half-way it would leave things half-made.'
      : view.steps.some(({ id, detail }) => id.startsWith('apply-') && detail === 'interrupted')
        ? 'What was applied until it was ended from outside stays.'
        : 'Nothing was changed.';
  if (view?.runbook === 'release-kept')
    return view.phase === 'remove'
      ? 'What it destroys may be there in part; started again, it goes on.'
      : 'Nothing was changed.';
  if (view?.runbook === 'vm-recreate' && view.phase !== 'roll back')
    return view.phase === 'gate' || view.phase === 'plan'
      ? 'Nothing was changed.'
      : view.phase === 'clean up'
        ? 'But the new guest is there and healthy: it goes on to its end.'
        : 'The old guest is given its name, its volumes and its files back first.';
  if (view?.runbook === 'rotate-keys' && view.phase !== 'roll back')
    return view.phase === 'gate' || view.phase === 'plan'
      ? 'Nothing was changed.'
      : view.phase === 'remove' || view.phase === 'clean up'
        ? 'But the old key is on its way out: it goes on to its end.'
        : 'The old key is given back its files first.';
  if (view?.phase === 'roll back') return 'It is on its way back already, and goes it to its end.';
  if (view?.subject === 'all') return 'The member at work is brought back first; those that are finished stay so.';
  if (view?.phase === 'clean up')
    return 'It cleans up already, and nothing is rolled back any more: it ends as it would have without you.';
  return 'What it changed is rolled back first.';
}

/** A restore that has begun to put what arrived in the place of the original. */
const isInPlace = ({ phase, steps }: RunView): boolean =>
  steps.some(({ id }) => id === 'swap') && ['drain', 'apply', 'verify'].includes(phase);

/** One-way: docs/cluster-upgrade.md. */
function clusterOutlook({ phase }: RunView): string {
  const begun = phase === 'deploy' || phase === 'verify' || phase === 'clean up';
  return begun
    ? 'But there is no way back from an Incus upgrade: it goes on to its end.'
    : 'Snapshots that it made are kept until they expire.';
}
