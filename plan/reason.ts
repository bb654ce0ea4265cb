/** Kept with the run and shown in lists: a paragraph, not a document. */
const LONGEST = 1000;

/** What is wrong with the reason that a person gave for a decision, as a sentence; undefined for a good one. */
export function reasonRefusal(reason: string): string | undefined {
  if (reason.trim() === '') return 'Expected a reason (--reason), got none.';
  if (reason.length > LONGEST) return `Expected a reason of at most ${LONGEST} characters, got ${reason.length}.`;
  return undefined;
}
