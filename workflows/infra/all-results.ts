import type { RunResult } from '../../plan/run.ts';
import type { Ended } from '../all/results.ts';

export function noFolders(): RunResult {
  const summary = 'No member has a folder. Nothing was changed.';
  return { outcome: 'AlreadySo', summary, left: [], next: [] };
}

export function allPlanned(ended: readonly Ended[]): RunResult {
  const failed = failedOf(ended);
  if (failed.length > 0) return asBadAsWorst(ended, failed, 'Nothing was changed.');
  const isSo = ended.every(({ outcome }) => outcome === 'AlreadySo');
  return {
    outcome: isSo ? 'AlreadySo' : 'Done',
    summary: 'Nothing was changed.',
    left: [],
    next: isSo ? [] : [{ command: 'runbook start infra-apply --all', purpose: 'plan it again, ask, and do it' }],
  };
}

/** As bad as its worst. Members after one that was cancelled were not begun. */
export function allApplied(nodes: readonly string[], ended: readonly Ended[]): RunResult {
  const failed = failedOf(ended);
  const open = nodes.slice(ended.length);
  const left = open.length === 0 ? [] : [`not begun: ${open.join(', ')}`];
  if (failed.length > 0) {
    const result = asBadAsWorst(ended, failed, '');
    return { ...result, left: [...result.left, ...left] };
  }
  const done = ended.filter(({ outcome }) => outcome === 'Done').map(({ member }) => member);
  return done.length === 0
    ? { outcome: 'AlreadySo', summary: 'Every member is as its folder says.', left, next: [] }
    : { outcome: 'Done', summary: `Applied to ${done.join(', ')}.`, left, next: [] };
}

/** Between two members: those before stay as they are. */
export function cancelledAll(
  nodes: readonly string[],
  ended: readonly Ended[],
  failure: NonNullable<RunResult['failure']>,
): RunResult {
  const { left } = allApplied(nodes, ended);
  const done = ended.filter(({ outcome }) => outcome === 'Done').map(({ member }) => member);
  return {
    outcome: 'Failed',
    summary: `Stopped after ${ended.at(-1)?.member ?? 'none'}: ${failure.message}`,
    failure,
    left: [...(done.length === 0 ? [] : [`applied, and it stays: ${done.join(', ')}`]), ...left],
    next: [{ command: 'runbook start infra-apply --all', purpose: 'go on where it stopped' }],
  };
}

/** Whether any of them is another than before, or may be. */
export const isAnyChanged = (ended: readonly Ended[]): boolean =>
  ended.some(({ outcome, unchanged }) => outcome !== 'AlreadySo' && unchanged !== true);

const failedOf = (ended: readonly Ended[]): Ended[] => ended.filter(({ outcome }) => outcome === 'Failed');

function asBadAsWorst(ended: readonly Ended[], failed: readonly Ended[], more: string): RunResult {
  const [first] = failed;
  const unchanged = failed.every((each) => each.unchanged === true) && !ended.some(({ outcome }) => outcome === 'Done');
  const names = failed.map(({ member }) => member).join(', ');
  return {
    outcome: 'Failed',
    summary: [`Not as declared: ${names}.`, more].filter((text) => text !== '').join(' '),
    ...(unchanged ? { unchanged: true as const } : {}),
    ...(first?.failure === undefined ? {} : { failure: first.failure }),
    left: failed.map(({ member, summary }) => `${member}: ${summary}`),
    next: failed.map(({ member }) => ({
      command: `runbook report infra-apply/${member}`,
      purpose: 'what happened',
    })),
  };
}
