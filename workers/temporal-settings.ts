/** How to get to Temporal, as the environment and temporal.toml say: the same for the command line and workers. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { types } from 'node:util';
import { loadClientConnectConfig, type ClientConnectConfig } from '@temporalio/envconfig';
import { BadSetting } from './bad-setting.ts';
import type { Environment } from './environment.ts';

/** Throws {@link BadSetting}. */
export function readTemporalSettings(env: Environment): ClientConnectConfig {
  const settings = load(
    Object.fromEntries(Object.entries(env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]]))),
  );
  const { address, tls } = settings.connectionOptions;
  if (address !== undefined) requireAddress(address, sourceOf(env, ['TEMPORAL_ADDRESS'], 'address'));
  if (typeof tls === 'object' && tls !== null) requirePem(env, tls);
  return settings;
}

function load(overrideEnvVars: Record<string, string>): ClientConnectConfig {
  try {
    return loadProfile(overrideEnvVars);
  } catch (error) {
    const message = types.isNativeError(error) ? error.message : String(error);
    const path = types.isNativeError(error) && 'path' in error ? error.path : undefined;
    const variable = Object.keys(overrideEnvVars).find(
      (name) => name.startsWith('TEMPORAL_') && overrideEnvVars[name] === path,
    );
    throw new BadSetting(`${variable ?? 'temporal.toml or the environment'}: ${message}`, { cause: error });
  }
}

function loadProfile(overrideEnvVars: Record<string, string>): ClientConnectConfig {
  try {
    return loadClientConnectConfig({ overrideEnvVars });
  } catch (error) {
    // The SDK stumbles over a file without profiles, which has nothing to say.
    if (!(error instanceof TypeError) || overrideEnvVars['TEMPORAL_PROFILE'] !== undefined) throw error;
    return loadClientConnectConfig({ overrideEnvVars, disableFile: true });
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
