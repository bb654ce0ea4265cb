/** How a command ended, as scripts see it. One variant per meaning; several may share a code. */
export type Ending =
  /** What was asked for holds now. */
  | 'done'
  /** It held before; nothing was changed. */
  | 'already so'
  /** It does not hold; the text said why. */
  | 'failed'
  /** The command line was not understood. */
  | 'wrong usage'
  /** The fleet file, the environment or the repository needs an edit first. */
  | 'wrong config'
  /** It could not be had; what was unhealthy is as before, and all is well. */
  | 'rolled back'
  /** A run of the same id is open. */
  | 'already running'
  /** Temporal did not answer. */
  | 'unreachable'
  /** Nobody would do the work. */
  | 'no worker'
  /** The person left; the run goes on. */
  | 'interrupted';

/** The process exit code of an ending. These numbers are stable. */
export function exitCode(ending: Ending): number {
  switch (ending) {
    case 'done':
    case 'already so':
      return 0;
    case 'failed':
      return 1;
    case 'wrong usage':
    case 'wrong config':
      return 2;
    case 'rolled back':
      return 3;
    case 'already running':
      return 4;
    case 'unreachable':
      return 5;
    case 'no worker':
      return 6;
    case 'interrupted':
      return 130;
  }
}

const MEANING: Record<Ending, string> = {
  done: 'done, or already so',
  'already so': 'done, or already so',
  failed: 'failed',
  'wrong usage': 'wrong usage or configuration',
  'wrong config': 'wrong usage or configuration',
  'rolled back': 'rolled back',
  'already running': 'already running',
  unreachable: 'Temporal is not reachable',
  'no worker': 'no worker polls',
  interrupted: 'interrupted; the run goes on',
};

export const EVERY_ENDING = Object.keys(MEANING) as Ending[];

/** The paragraph of a command's help about its exit codes: `Exit codes: 0 done, or already so · 1 failed …`. */
export function exitCodesHelp(endings: readonly Ending[]): string {
  const lines = new Map(endings.map((ending) => [exitCode(ending), MEANING[ending]]));
  return [
    'Exit codes:',
    ...[...lines].sort(([a], [b]) => a - b).map(([code, text]) => `  ${String(code).padEnd(4)} ${text}`),
  ].join('\n');
}
