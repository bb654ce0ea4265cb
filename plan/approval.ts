import type { Approval } from './run.ts';

/** The beginning of the command that says yes; the name that it has to carry is for the person to type. */
export function approveCommand(workflowId: string, { expects }: Pick<Approval, 'expects'>): string {
  return `runbook approve ${workflowId}${expects === undefined ? '' : ' --name …'}`;
}

/** What is told before a yes that has to carry a name. */
export const nameIsNeeded = (expects: string): string =>
  `A yes has to carry the name ${expects}: runbook approve asks for it on a terminal, elsewhere --name says it.`;
