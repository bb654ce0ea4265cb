/** What the Web UI says of a run besides its current details, for somebody who has never seen one. Markdown. */
export const aboutRun = (workflowId: string, origin: string): string =>
  [
    origin,
    '*Current Details* says where it is, what is next and what it waits for.',
    `In a terminal: \`runbook watch ${workflowId}\` follows it, \`runbook show ${workflowId}\` lists its steps.`,
    'A run that was rolled back has the status *Failed* and the search attribute `RunbookOutcome = RolledBack`: ' +
      'what was asked for could not be had, and the machines are healthy again.',
  ].join('\n\n');
