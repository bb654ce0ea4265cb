import { findCannotDecrypt } from '../../workers/codec/payload-codec.ts';
import { readDevServer } from '../../workers/dev-state.ts';
import { stateFolder } from '../../workers/state-folder.ts';
import type { Ending } from '../exit-codes.ts';
import type { CommandContext } from '../context.ts';
import { CliError } from '../errors.ts';
import type { Io } from '../io.ts';
import { connectTo, findEndpoint, noNamespace, unlessGone, unreachable, type Connected } from './connect.ts';

/**
 * Connects, does the work and closes the connection whatever happens.
 * A connection that breaks on the way becomes CliError `unreachable`; an unknown namespace `wrong config`, and so does a
 * payload whose key is not here.
 */
export async function withTemporal(
  { io }: CommandContext,
  work: (connected: Connected) => Promise<Ending>,
): Promise<Ending> {
  const connected = await open(io);
  try {
    return await work(connected);
  } catch (error) {
    const unread = findCannotDecrypt(error);
    if (unread !== undefined) throw cannotRead(unread);
    if (isConnectionError(error)) throw unreachable(connected.address, error);
    throw isAboutNamespace(error) ? noNamespace(connected) : error;
  } finally {
    await connected.close();
  }
}

/** Connects to where the environment, `temporal.toml` or the development server on this machine say. */
export async function open(io: Io, patienceMs?: number): Promise<Connected> {
  const development = await readDevServer(stateFolder(io.env));
  const endpoint = findEndpoint(io, development?.address);
  const connected = await connectTo(io, endpoint, patienceMs).catch((error: unknown) => {
    throw unlessGone(error, endpoint.address, development);
  });
  const uiAddress =
    io.env['RUNBOOK_UI'] ?? (development?.address === endpoint.address ? development.uiAddress : undefined);
  return uiAddress === undefined ? connected : { ...connected, uiAddress };
}

const cannotRead = (error: Error): CliError =>
  new CliError('wrong config', 'What Temporal keeps of it cannot be read here.', {
    description: [error.message, 'RUNBOOK_CODEC_KEYS names the file with the keys.'],
  });

/** gRPC's DEADLINE_EXCEEDED and UNAVAILABLE, and UNIMPLEMENTED, which says that this is another kind of server. */
const isConnectionError = (error: unknown): boolean =>
  grpcErrors(error).some(({ code }) => code === 4 || code === 12 || code === 14);

/** gRPC's NOT_FOUND is said of runs as well. */
const isAboutNamespace = (error: unknown): boolean =>
  grpcErrors(error).some(({ code, message }) => code === 5 && /namespace/i.test(message));

/** The error and those below it that carry a code; none where it was explained already. */
function grpcErrors(error: unknown): { code: unknown; message: string }[] {
  const found = [];
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof CliError) return [];
    if (at.name === 'NamespaceNotFoundError') found.push({ code: 5, message: 'namespace' });
    if ('code' in at) found.push({ code: at.code, message: at.message });
  }
  return found;
}
