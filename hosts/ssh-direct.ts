import { loginWords, pinnedHostOptions } from './ssh-options.ts';

/** How one host of the fleet reaches another by itself, without the worker between them. */
export interface DirectSsh {
  /** As the fleet file names the other one. */
  name: string;
  address: string;
  user: string;
  port: number;
  /** Private key, a file of the machine that connects; only this one is offered then. */
  identityFile?: string;
  /** A file of that machine with {@link DirectSsh.name}'s host key, as {@link knownHostsLine} has it; else ssh's own. */
  knownHostsFile?: string;
}

/**
 * `ssh` with all that comes before the remote command. One connection of its own, since a master would hold the pipes of
 * whoever started it.
 * @throws {TypeError} where a part of the address could be taken for something else.
 */
export function directSshArgv(to: DirectSsh): string[] {
  const hostKeys = to.knownHostsFile === undefined ? {} : pinnedHostOptions(to.name, to.knownHostsFile);
  return ['ssh', ...loginWords(to, { ControlMaster: 'no', ControlPath: 'none' }, hostKeys)];
}
