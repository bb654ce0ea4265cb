import { literal, pinnedHostOptions, word } from './ssh-options.ts';

/** How one host of the fleet reaches another by itself, without the worker between them. */
export interface DirectSsh {
  /** As the fleet file names the other one. */
  name: string;
  address: string;
  user: string;
  port: number;
  /** Private key, a file of the machine that connects; only this one is offered then. */
  identityFile?: string;
  /** A file of that machine with {@link DirectSsh.name}'s host key, as {@link knownHostsLine} has it. */
  knownHostsFile: string;
}

/**
 * `ssh` with all that comes before the remote command. One connection of its own, since a master would hold the pipes of
 * whoever started it; a dead peer is noticed after fifteen seconds.
 * @throws {TypeError} where a part of the address could be taken for something else.
 */
export function directSshArgv(to: DirectSsh): string[] {
  const options: Record<string, string> = {
    IgnoreUnknown: 'KnownHostsCommand',
    BatchMode: 'yes',
    StrictHostKeyChecking: 'yes',
    UpdateHostKeys: 'no',
    ConnectTimeout: '10',
    ServerAliveInterval: '5',
    ServerAliveCountMax: '3',
    ControlMaster: 'no',
    ControlPath: 'none',
    RequestTTY: 'no',
    RemoteCommand: 'none',
    PermitLocalCommand: 'no',
    ClearAllForwardings: 'yes',
    ForwardAgent: 'no',
    ForwardX11: 'no',
    EscapeChar: 'none',
    LogLevel: 'INFO',
    ...pinnedHostOptions(to.name, to.knownHostsFile),
    ...(to.identityFile === undefined ? {} : { IdentityFile: literal(to.identityFile), IdentitiesOnly: 'yes' }),
  };
  const pairs = Object.entries(options).flatMap(([key, value]) => ['-o', `${key}=${value}`]);
  return ['ssh', ...pairs, '-l', word(to.user, 'user'), '-p', String(to.port), '--', word(to.address, 'address')];
}
