import type { JournalEntry } from '../../simulator/core/journal.ts';
import { describeCommand } from './command-pattern.ts';
import type { Kill } from './killing.ts';

/**
 * How often each command changed something. What was killed after its effect did change something, and could not
 * write it down any more.
 */
export function effectsOf(journal: readonly JournalEntry[], kills: readonly Kill[] = []): Record<string, number> {
  const ended = new Map(journal.filter(({ phase }) => phase === 'after').map((entry) => [entry.id, entry]));
  const killedAfter = new Set(
    kills.filter(({ when, point }) => when === 'after' && point.changes).map(({ point }) => point.label),
  );
  const counts: Record<string, number> = {};
  for (const { id, phase, machine, tool, args } of journal) {
    if (phase !== 'before' || tool.startsWith('.')) continue;
    const label = `${machine}: ${describeCommand(tool, args)}`;
    const end = ended.get(id);
    const changed = end ? (end.changes ?? []).length > 0 : killedAfter.has(label);
    if (changed) counts[label] = (counts[label] ?? 0) + 1;
  }
  return counts;
}
