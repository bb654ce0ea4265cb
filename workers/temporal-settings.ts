/** How to get to Temporal, as the environment and temporal.toml say: the same for the command line and workers. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { types } from 'node:util';
import { loadClientConnectConfig, type ClientConnectConfig, type LoadClientProfileOptions } from '@temporalio/envconfig';
import { tomlLoadClientConfigProfile } from '@temporalio/envconfig/lib/envconfig-toml.js';
import { BadSetting } from './bad-setting.ts';
import type { Environment } from './environment.ts';

/** Throws {@link BadSetting}. */
export function readTemporalSettings(env: Environment): ClientConnectConfig {
  const settings = load(defined(env), loadClientConnectConfig);
  const { address, tls } = settings.connectionOptions;
  if (address !== undefined) requireAddress(address, sourceOf(env, ['TEMPORAL_ADDRESS'], 'address'));
  if (typeof tls === 'object' && tls !== null) requirePem(env, tls);
  return settings;
}

/**
 * A setting of runbook's own: the variable, or the key in the table `runbook` of the profile. Temporal's own programs pass
 * over that table. Throws {@link BadSetting}.
 */
export function readOwnSetting(env: Environment, variable: string, key: string): string | undefined {
  const value = env[variable];
  if (value !== undefined && value !== '') return value;
  const profile: object = load(defined(env), tomlLoadClientConfigProfile);
  const table: unknown = 'runbook' in profile ? profile.runbook : undefined;
  const found: unknown = typeof table === 'object' && table !== null ? Reflect.get(table, key) : undefined;
  if (found === undefined || typeof found === 'string') return found;
  throw new BadSetting(`Expected ${key} of the profile in temporal.toml to be a text, got a ${typeof found}.`);
}

const defined = (env: Environment): Record<string, string> =>
  Object.fromEntries(Object.entries(env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])));

type Options = Pick<LoadClientProfileOptions, 'overrideEnvVars' | 'disableFile'>;

function load<Found>(overrideEnvVars: Record<string, string>, read: (options: Options) => Found): Found {
  try {
    return readProfile(overrideEnvVars, read);
  } catch (error) {
    const message = types.isNativeError(error) ? error.message : String(error);
    const path = types.isNativeError(error) && 'path' in error ? error.path : undefined;
    const variable = Object.keys(overrideEnvVars).find(
      (name) => name.startsWith('TEMPORAL_') && overrideEnvVars[name] === path,
    );
    throw new BadSetting(`${variable ?? 'temporal.toml or the environment'}: ${message}`, { cause: error });
  }
}

function readProfile<Found>(overrideEnvVars: Record<string, string>, read: (options: Options) => Found): Found {
  try {
    return read({ overrideEnvVars });
  } catch (error) {
    // The SDK stumbles over a file without profiles, which has nothing to say.
    if (!(error instanceof TypeError) || overrideEnvVars['TEMPORAL_PROFILE'] !== undefined) throw error;
    return read({ overrideEnvVars, disableFile: true });
  }
}

const HOST_AND_PORT = /^(?:\[[0-9a-fA-F:.]+\]|[a-zA-Z0-9._-]+)(?::(\d{1,5}))?$/;
const HIGHEST_PORT = 65_535;

function requireAddress(address: string, source: string): void {
  const found = HOST_AND_PORT.exec(address);
  if (found === null || Number(found[1] ?? 1) < 1 || Number(found[1] ?? 1) > HIGHEST_PORT)
    throw new BadSetting(`Expected ${source} to be a host and a port, like temporal.lan:7233, got "${address}".`);
}

type Tls = Exclude<ClientConnectConfig['connectionOptions']['tls'], boolean | null | undefined>;

function requirePem(env: Environment, { serverRootCACertificate, clientCertPair }: Tls): void {
  const parts = [
    ['SERVER_CA_CERT', serverRootCACertificate, (pem: Buffer) => new X509Certificate(pem)],
    ['CLIENT_CERT', clientCertPair?.crt, (pem: Buffer) => new X509Certificate(pem)],
    ['CLIENT_KEY', clientCertPair?.key, createPrivateKey],
  ] as const;
  for (const [name, pem, read] of parts) {
    if (pem === undefined) continue;
    try {
      read(Buffer.from(pem));
    } catch {
      const source = sourceOf(env, [`TEMPORAL_TLS_${name}_PATH`, `TEMPORAL_TLS_${name}_DATA`], name.toLowerCase());
      throw new BadSetting(`Expected ${source} to be ${name === 'CLIENT_KEY' ? 'a key' : 'a certificate'} as PEM.`);
    }
  }
}

/** The variable that is set, or else the key of the file. */
const sourceOf = (env: Environment, variables: readonly string[], key: string): string =>
  variables.find((name) => env[name] !== undefined) ?? `${key} in temporal.toml`;
