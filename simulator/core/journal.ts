import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Store } from './store.ts';

/** Two of these per command, or one where it was killed. */
export interface JournalEntry {
  id: string;
  phase: 'before' | 'after';
  /** ISO 8601. */
  at: string;
  machine: string;
  tool: string;
  args: readonly string[];
  pid: number;
  /** After: how it ended and which parts of the simulation it altered. */
  exitCode?: number;
  changes?: string[];
}

export function writeJournal(store: Store, entry: JournalEntry): void {
  store.log('journal.ndjson', JSON.stringify(entry));
}

export function readJournal(dir: string): JournalEntry[] {
  return readLines(join(dir, 'journal.ndjson')).map((line) => JSON.parse(line) as JournalEntry);
}

/** What was asked for and not known. Empty in a good run. */
export function readUnknown(dir: string): string[] {
  return readLines(join(dir, 'unknown.log'));
}

function readLines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n').filter(Boolean);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
