import { unexpected, type Ran, type ToolFailure } from './result.ts';

export type IncusFailure = ToolFailure | MemberOffline;

/** The member that owns the instance or volume is away. Trying again helps once it is back. */
interface MemberOffline {
  type: 'member offline';
  message: string;
}

/** What the client prints after `Error: `, the last time it does; empty where it printed none. */
export function incusError(ran: Ran): string {
  const lines = ran.result.stderr.split('\n').filter((line) => line.startsWith('Error: '));
  return lines.at(-1)?.slice('Error: '.length).trim() ?? '';
}

/**
 * The failures that any `incus` command can have. Texts as Incus 6.0.4 and 7.0.2 print them.
 * Call it with a result whose exit code is not 0, after the texts that the command itself knows.
 */
export function readIncusError(ran: Ran): IncusFailure {
  const error = incusError(ran);
  if (/Instance is busy running a "?[^"]+"? operation/.test(error)) return { type: 'busy', message: error };
  if (/The incus daemon doesn't appear to be started|(?:Daemon|Incus) is shutting down/i.test(error))
    return { type: 'busy', message: error };
  // Also while it starts, and what is forwarded to a member that is away.
  if (/Server isn't ready yet$/.test(error)) return { type: 'busy', message: error };
  // Its daemon died, or was restarted, in the middle of the call.
  if (/\bEOF$|: connection reset by peer$/.test(error)) return { type: 'busy', message: error };
  // Another member's daemon, which this one has to ask, is down.
  if (/: Unable to connect to: /.test(error)) return { type: 'busy', message: error };
  // Seen once as a member comes back, gone with the next call.
  if (/context deadline exceeded$/.test(error)) return { type: 'busy', message: error };
  if (/no available cowsql leader server found/.test(error)) return { type: 'no quorum', message: error };
  if (/Missing event connection with target cluster member/.test(error))
    return { type: 'member offline', message: error };
  if (/(?:^|: )[A-Z][A-Za-z_ ]* not found$/.test(error)) return { type: 'not found', what: error };
  return unexpected('incus', ran);
}
