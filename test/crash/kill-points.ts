import type { JournalEntry } from '../../simulator/core/journal.ts';
import type { RunView, StepView } from '../../plan/run.ts';
import { describeCommand, patternOf } from './command-pattern.ts';

/** A command of a run in whose middle something is killed. */
export interface KillPoint {
  /** The step that it belongs to. */
  step: string;
  /** For the test's name: `edge-vm: podman tag …`. */
  label: string;
  machine: string;
  tool: string;
  /** A regular expression of the arguments. */
  args: string;
  /** False for a look. */
  changes: boolean;
  /** The first of its step's. Before any other is after the one before it. */
  opens: boolean;
  /** The same command was run so often before. */
  skip: number;
}

interface Command {
  id: string;
  machine: string;
  tool: string;
  verb: string;
  at: string;
  label: string;
  pattern: string;
  changes: boolean;
}

/**
 * Where to kill, read off an uncrashed run: every kind of command that changed something in a step, and of each step that
 * changed nothing one that it looks with. So a new step, or a new command of a step, is covered by itself.
 */
export function killPointsOf(journal: readonly JournalEntry[], view: RunView): KillPoint[] {
  const commands = commandsOf(journal);
  // In the order in which they ran: some are announced long before.
  const ran = view.steps.filter(({ startedAt }) => startedAt !== undefined).toSorted(byStart);
  return ran.flatMap((step) => {
    const own = commands.filter((command) => isWithin(command, step));
    const acts = own.filter(({ changes }) => changes).filter((act, i, all) => all.findIndex(isLike(act)) === i);
    const earlier = (command: Command): Command[] => sameBefore(command, commands);
    // What was asked least often before is found again most surely. Of looks at the same time always the same.
    const looks = own
      .toSorted((a, b) => earlier(a).length - earlier(b).length || a.label.localeCompare(b.label))
      .slice(0, 1);
    return (acts.length > 0 ? acts : looks).map((command, i) => ({
      step: step.id,
      label: command.label,
      machine: command.machine,
      tool: command.tool,
      args: command.pattern,
      changes: command.changes,
      opens: i === 0,
      skip: earlier(command).length,
    }));
  });
}

const byStart = (a: StepView, b: StepView): number => (a.startedAt ?? '').localeCompare(b.startedAt ?? '');

/** The second of two images that are tagged one after the other is not another way to be interrupted. */
const isLike =
  ({ machine, tool, verb }: Command) =>
  (other: Command): boolean =>
    other.machine === machine && other.tool === tool && other.verb === verb;

function sameBefore({ id, machine, tool, pattern }: Command, all: readonly Command[]): Command[] {
  const until = all.findIndex((command) => command.id === id);
  return all
    .slice(0, until)
    .filter((other) => other.machine === machine && other.tool === tool && other.pattern === pattern);
}

/** In the order in which they began. `ssh` only carries others; the simulation's own begin with a dot. */
function commandsOf(journal: readonly JournalEntry[]): Command[] {
  const ended = new Map(journal.filter(({ phase }) => phase === 'after').map((entry) => [entry.id, entry]));
  return journal
    .filter(({ phase, tool }) => phase === 'before' && !tool.startsWith('.') && tool !== 'ssh')
    .map(({ id, machine, tool, at, args }) => ({
      id,
      machine,
      tool,
      // Before it stands the folder: `git -C REPO push`.
      verb: (tool === 'git' ? args[2] : args[0]) ?? '',
      at,
      label: `${machine}: ${describeCommand(tool, args)}`,
      pattern: patternOf(args),
      changes: (ended.get(id)?.changes ?? []).length > 0,
    }));
}

/** Steps follow one another, and a step's commands are run between its first and its last moment. */
function isWithin({ at }: Command, { startedAt, endedAt }: StepView): boolean {
  return startedAt !== undefined && endedAt !== undefined && at >= startedAt && at < endedAt;
}
