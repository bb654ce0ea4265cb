import { Connection } from '@temporalio/client/lib/connection.js';
import type { PayloadCodec } from '@temporalio/common';
import type { ClientConnectConfig } from '@temporalio/envconfig';
import { BadSetting } from '../../workers/bad-setting.ts';
import { createPayloadCodec } from '../../workers/codec/payload-codec.ts';
import { findCodecKeys } from '../../workers/codec/keys.ts';
import { isAlive, type DevServerRecord } from '../../workers/dev-state.ts';
import { readTemporalSettings } from '../../workers/temporal-settings.ts';
import { causes, CliError } from '../errors.ts';
import type { Io } from '../io.ts';
import { identityOf } from './identity.ts';
import { findObstacle } from './obstacle.ts';

/**
 * An open connection to a namespace. Close it when done, or the process stays. Quick answers are asked of it as it is;
 * what else the SDK's client can do is had from client.ts.
 */
export interface Connected {
  connection: Connection;
  namespace: string;
  /** Who asks: identity.ts. */
  identity: string;
  address: string;
  /** What is sent is encrypted by it, and what is read decrypted, where keys are configured. */
  codec: PayloadCodec;
  /** Where the Web UI is, if somebody said so. */
  uiAddress?: string;
  close: () => Promise<void>;
}

/** Where Temporal is and how to get in. */
export interface Endpoint {
  namespace: string;
  address: string;
  connectionOptions: ClientConnectConfig['connectionOptions'];
  codec: PayloadCodec;
}

const CONNECT_TIMEOUT_MS = 5000;

/**
 * The environment (`TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`, `TEMPORAL_PROFILE`, …), then the profile in `temporal.toml`,
 * then the development server on this machine, also one that is gone: another that happens to listen is not meant.
 * Throws CliError `wrong config` where these cannot be read.
 */
export function findEndpoint(io: Io, developmentAddress: string | undefined): Endpoint {
  try {
    const { connectionOptions, namespace = 'default' } = readTemporalSettings(io.env);
    const address = connectionOptions.address ?? developmentAddress ?? 'localhost:7233';
    const codec = createPayloadCodec(findCodecKeys(io.env));
    return { namespace, address, connectionOptions: { ...connectionOptions, address }, codec };
  } catch (error) {
    if (!(error instanceof BadSetting)) throw error;
    throw new CliError('wrong config', 'The connection to Temporal is not configured right.', {
      description: [
        error.message,
        'It is read from the environment (TEMPORAL_ADDRESS, TEMPORAL_PROFILE, …) and from temporal.toml.',
      ],
    });
  }
}

/** Connects, or throws CliError `unreachable` that says what was tried and what to do. */
export async function connectTo(io: Io, endpoint: Endpoint, patienceMs = CONNECT_TIMEOUT_MS): Promise<Connected> {
  const { address, namespace, connectionOptions, codec } = endpoint;
  const { tls, apiKey, metadata } = connectionOptions;
  const connection = Connection.lazy({
    address,
    connectTimeout: patienceMs,
    ...(tls === undefined ? {} : { tls }),
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(metadata === undefined ? {} : { metadata }),
  });
  try {
    const connecting = connection.ensureConnected();
    await Promise.race([connecting, orObstacle(connecting, endpoint, io, patienceMs)]);
    return { connection, namespace, identity: identityOf(io.env), address, codec, close: () => connection.close() };
  } catch (cause) {
    await connection.close();
    throw unreachable(address, cause);
  }
}

/** The client tries until its time is up, also where that cannot help: what is certain before is said at once. */
async function orObstacle(connecting: Promise<void>, endpoint: Endpoint, io: Io, patienceMs: number): Promise<void> {
  const obstacle = await findObstacle(endpoint, io.env, patienceMs);
  if (obstacle === undefined) return connecting;
  connecting.catch(() => undefined);
  throw new Error(obstacle);
}

/** The error of a server that does not answer at `address`. */
export const unreachable = (address: string, cause: unknown): CliError =>
  new CliError('unreachable', `Temporal does not answer at ${address}.`, {
    cause,
    suggestions: [
      { command: 'runbook dev', purpose: 'start a server and a worker on this machine' },
      { command: 'TEMPORAL_ADDRESS=host:7233 runbook …', purpose: 'use another server' },
      { command: 'runbook doctor', purpose: 'see what else is missing' },
    ],
  });

/** Why the development server that was meant does not answer, or else the error itself. */
export function unlessGone(error: unknown, address: string, development: DevServerRecord | undefined): unknown {
  if (!(error instanceof CliError) || error.ending !== 'unreachable') return error;
  if (development?.address !== address) return error;
  // Its number may be another process's by now, and a server that is killed listens no more before it is gone.
  if (isAlive(development) && !causes(error).some((cause) => /connection refused/i.test(cause))) return error;
  return new CliError('unreachable', `The server that "runbook dev" started at ${address} is gone.`, {
    suggestions: [
      { command: 'runbook dev', purpose: 'start it again; runs that were open go on' },
      { command: 'TEMPORAL_ADDRESS=host:7233 runbook …', purpose: 'use another server' },
    ],
  });
}

/** The error of a server that does not know the namespace. */
export const noNamespace = ({ address, namespace }: Pick<Connected, 'address' | 'namespace'>): CliError =>
  new CliError('wrong config', `Temporal at ${address} has no namespace "${namespace}".`, {
    suggestions: [
      { command: 'TEMPORAL_NAMESPACE=default runbook …', purpose: 'use another' },
      { command: `temporal operator namespace create --namespace ${namespace}`, purpose: 'make it' },
    ],
  });
