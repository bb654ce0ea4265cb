import type { Approval } from './run.ts';

/** The beginning of the command that says yes; the name that it has to carry is for the person to type. */
export function approveCommand(
  workflowId: string,
  { expects, names, plan }: Pick<Approval, 'expects' | 'names' | 'plan'>,
): string {
  const carried = expects === undefined && names === undefined ? '' : ' --name …';
  return `runbook approve ${workflowId}${plan === undefined ? '' : ` --plan ${plan.slice(0, 8)}`}${carried}`;
}

/** Names that a yes has to carry. */
export const expectedNames = ({ expects, names }: Pick<Approval, 'expects' | 'names'>): string[] =>
  names ?? (expects === undefined ? [] : [expects]);

/** What is told before a yes that has to carry a name. */
export const nameIsNeeded = (names: readonly string[]): string =>
  `A yes has to carry the name${names.length === 1 ? '' : 's'} ${names.join(', ')}: runbook approve asks for it on a terminal, elsewhere --name says it.`;
