/** One thing that has to hold for runbook to do its work, as `runbook doctor` shows it. */
export interface Check {
  /** Where it was looked at: `here`, `Temporal`, `worker`, or a node. */
  where: string;
  /** `fleet file`, `ssh`, `clock`, `deploy-rs`. */
  what: string;
  verdict: 'passed' | 'warning' | 'failed';
  /** The fact: a version, an address, an error. One line. */
  found: string;
  /** The remedy, where it did not pass. */
  whatToDo?: string;
}
