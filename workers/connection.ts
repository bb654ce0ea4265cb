import type { ClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection } from '@temporalio/worker';
import { BadSetting } from './bad-setting.ts';
import type { Environment } from './environment.ts';
import { nativeWords } from './native-words.ts';
import { StartError } from './start-error.ts';
import { readTemporalSettings } from './temporal-settings.ts';

/** A connection to one namespace; `close()` it after the worker has stopped, before that it throws. */
export interface WorkerConnection {
  connection: NativeConnection;
  namespace: string;
  address: string;
}

const CHECK_MS = 10_000;
/** gRPC status codes that say who we are, or what we ask for, is not welcome. */
const NOT_FOUND = 5;
const PERMISSION_DENIED = 7;
const UNAUTHENTICATED = 16;

/**
 * Connects as `TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`, `TEMPORAL_PROFILE`, … say, or `temporal.toml`; or to the
 * development server at `devAddress`, which knows no credentials. Looks whether the namespace is there.
 * Throws StartError `unreachable` or `refused`.
 */
export async function connectWorker(env: Environment, devAddress?: string): Promise<WorkerConnection> {
  const { connectionOptions = {}, namespace = 'default' } = devAddress === undefined ? settingsOf(env) : {};
  const options = { ...connectionOptions, address: devAddress ?? connectionOptions.address ?? 'localhost:7233' };
  let connection: NativeConnection | undefined;
  try {
    const opened = (connection = await NativeConnection.connect(options));
    await opened.withDeadline(Date.now() + CHECK_MS, () => opened.workflowService.describeNamespace({ namespace }));
    return { connection: opened, namespace, address: options.address };
  } catch (error) {
    await connection?.close();
    throw explain(error, options.address, namespace);
  }
}

const settingsOf = (env: Environment): Partial<ClientConnectConfig> => orRefused(() => readTemporalSettings(env));

/** Throws StartError `refused` for a setting that cannot be meant. */
export function orRefused<Found>(read: () => Found): Found {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof BadSetting)) throw error;
    const whatToDo = 'It is read from the environment (TEMPORAL_ADDRESS, TEMPORAL_PROFILE, …) and from temporal.toml.';
    throw new StartError('refused', `The connection to Temporal is not configured right. ${error.message}`, whatToDo);
  }
}

function explain(error: unknown, address: string, namespace: string): StartError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case NOT_FOUND:
      return new StartError(
        'refused',
        `Temporal at ${address} has no namespace "${namespace}".`,
        `Set TEMPORAL_NAMESPACE, or make it:  temporal operator namespace create --namespace ${namespace}`,
        error,
      );
    case PERMISSION_DENIED:
    case UNAUTHENTICATED:
      return new StartError(
        'refused',
        `Temporal at ${address} does not let us into the namespace "${namespace}".`,
        'Set TEMPORAL_API_KEY or TEMPORAL_TLS_… for this namespace, or the profile in temporal.toml.',
        error,
      );
    default:
      return new StartError(
        'unreachable',
        `Temporal does not answer at ${address}.`,
        'Start a server and a worker on this machine with "runbook dev", or set TEMPORAL_ADDRESS to one that runs.',
        plainly(error),
      );
  }
}

function plainly(error: unknown): unknown {
  const words = nativeWords(error instanceof Error ? error.message : '');
  return words === undefined ? error : new Error(words);
}
