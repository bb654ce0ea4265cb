import type { JournalEntry } from '../../simulator/core/journal.ts';
import { commandShape, pipelineOf } from './command-shape.ts';
import { NOT_RECORDED } from './not-recorded.ts';
import { recordedCommands } from './transcripts.ts';

/** What played programs start themselves, as the real ones do: no command line of the product's. */
const STARTED_BY_OTHERS: readonly RegExp[] = [
  // deploy-rs, on the worker and by ssh on the host; and what NixOS's activation is to it.
  /^nix copy /,
  /^nix build --no-link …$/,
  /^ssh …$/,
  /^(activate-rs|deploy-rs-activate)\b/,
  /^nix-env -p … --(set|rollback|delete-generations)\b/,
  // What the fleet file declares to install a member with.
  /^install-member /,
  // A person's own deployment beside a run.
  /^deploy --skip-checks --hostname … --ssh-opts … --magic-rollback … …$/,
  // The simulation's own flake, and its units.
  /^git -C … show …$/,
  // Of scripts in a mount namespace of their own: test/lab/vms/nightly-backup.test.ts reads a snapshot so.
  /^mount -t (?:zfs -o ro|overlay -o \S+) -- /,
  /^\.(unit-ended|incus-joins|connect|zfs-sends|terraform-applies) /,
];

/** Command lines of a run over the simulation that no scenario holds against the real program, one line for each shape. */
export function uncoveredIn(journal: readonly JournalEntry[]): string[] {
  const covered = coveredShapes();
  const found = new Map<string, string>();
  for (const { phase, tool, args } of journal) {
    if (phase !== 'before') continue;
    const shape = commandShape([tool, ...args]);
    if (covered.has(shape) || shape in NOT_RECORDED || STARTED_BY_OTHERS.some((pattern) => pattern.test(shape)))
      continue;
    found.set(shape, `${shape}\n    as ${[tool, ...args].join(' ').slice(0, 300)}`);
  }
  return [...found.values()].sort();
}

/** Throws with the report where there is one to make. */
export function assertCovered(journal: readonly JournalEntry[]): void {
  const report = uncoveredIn(journal);
  if (report.length === 0) return;
  throw new Error(
    `Expected a scenario in lab/record for every command line, got ${report.length} without one:\n  ${report.join('\n  ')}`,
  );
}

let shapes: Set<string> | undefined;

export function coveredShapes(): Set<string> {
  shapes ??= new Set(
    recordedCommands()
      .flatMap(({ argv }) => [argv, ...pipelineOf(argv)])
      .map(commandShape),
  );
  return shapes;
}
