import type { Monorepo } from './monorepo.ts';
import type { Range } from './place.ts';

/** Where something is that a rule forbids, and why it does so here. */
export interface Finding {
  rule: string;
  severity: 'error' | 'warning';
  /** From the folder of runbook.yaml. */
  file: string;
  line: number;
  column: number;
  /** Behind the last character, on the same line; greater than `column`. */
  endColumn: number;
  /** What is there, in one sentence. */
  message: string;
  why: string;
  whatToDo: string;
  /** The section of the reference architecture. */
  section: string;
}

/** What a rule says of one place. */
export interface Violation {
  file: string;
  at: Range;
  message: string;
  /** Where it is other than what the rule says of all. */
  whatToDo?: string;
  severity?: Finding['severity'];
}

/** A boundary of the reference architecture that can be seen in the monorepo. */
export interface Rule {
  /** As it is written in a suppression. Stable. */
  id: string;
  title: string;
  /** The section of the reference architecture that asks for it: `§4`. */
  section: string;
  severity: Finding['severity'];
  /** What would come of it. One or two sentences. */
  why: string;
  whatToDo: string;
  /** Pure. */
  check(repo: Monorepo): Violation[];
}
