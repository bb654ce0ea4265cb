import type { Check } from '../plan/checks.ts';

/** `last`: what comes after it could not be asked. */
export type Found = Pick<Check, 'verdict' | 'found' | 'whatToDo'> & { last?: true };

/** One question to a machine; what it throws is a failed check. */
export interface MachineCheck {
  what: string;
  look: (signal: AbortSignal) => Promise<Found>;
  /** A better remedy for some failures than that of their kind, by what was said. */
  remedy?: (said: string) => string | undefined;
}

export const passed = (found: string): Found => ({ verdict: 'passed', found });
export const warning = (found: string, whatToDo: string): Found => ({ verdict: 'warning', found, whatToDo });
export const failed = (found: string, whatToDo: string): Found => ({ verdict: 'failed', found, whatToDo });
