import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { BadSetting } from '../../workers/bad-setting.ts';
import { readToken } from '../../workers/codec/bearer.ts';
import { findCodecKeys, privateText } from '../../workers/codec/keys.ts';
import { createPayloadCodec } from '../../workers/codec/payload-codec.ts';
import { createCodecServer, type CodecServerOptions } from '../../workers/codec/server.ts';
import { onStopSignal } from '../../workers/stop-signals.ts';
import type { CommandContext } from '../context.ts';
import { CliError, errorCode } from '../errors.ts';
import type { Ending } from '../exit-codes.ts';
import { print, type Io } from '../io.ts';

export interface CodecServeOptions {
  listen: { host: string; port: number };
  origin?: string[];
  tokenFile?: string;
  tlsCert?: string;
  tlsKey?: string;
}

/** Requests that are under way get so long when it is asked to stop. */
const GRACE_MS = 5000;

/** Serves the codec until it is asked to stop. Throws CliError for what kept it from starting. */
export async function serveCodec({ io }: CommandContext, options: CodecServeOptions): Promise<Ending> {
  const { settings, ids } = settingsOf(io, options);
  const server = create(settings);
  await listen(server, options.listen);
  const { port } = server.address() as AddressInfo;
  const host = options.listen.host.includes(':') ? `[${options.listen.host}]` : options.listen.host;
  print(io, [
    `Codec server listens at ${settings.tls === undefined ? 'http' : 'https'}://${host}:${port}`,
    `Keys: ${ids.join(', ')}. ${settings.token === undefined ? 'Everybody on this machine may ask.' : 'Who asks needs the token.'}`,
    settings.origins.length === 0
      ? 'No web page may ask: --origin declares one.'
      : `Web pages of ${settings.origins.join(', ')} may ask.`,
  ]);
  await asked(io);
  await close(server);
  return 'done';
}

function settingsOf(io: Io, options: CodecServeOptions): { settings: CodecServerOptions; ids: string[] } {
  try {
    const keys = findCodecKeys(io.env);
    if (keys === undefined)
      throw new BadSetting('Expected RUNBOOK_CODEC_KEYS to name a file with keys, found it empty or not set.');
    const tls = tlsOf(io, options);
    const settings = {
      codec: createPayloadCodec(keys),
      origins: (options.origin ?? []).map(requireOrigin),
      ...(options.tokenFile === undefined ? {} : { token: readToken(resolve(io.cwd, options.tokenFile)) }),
      ...(tls === undefined ? {} : { tls }),
    };
    requireProtection(options.listen.host, settings);
    return { settings, ids: keys.keys.map(({ id }) => id) };
  } catch (error) {
    if (!(error instanceof BadSetting)) throw error;
    throw new CliError('wrong config', 'The codec server was not started.', { description: [error.message] });
  }
}

/** It decrypts for whoever reaches it. */
function requireProtection(host: string, { token, tls }: Pick<CodecServerOptions, 'token' | 'tls'>): void {
  if (/^127[.]|^::1$/.test(host) || (token !== undefined && tls !== undefined)) return;
  throw new BadSetting(
    `Expected --token-file, --tls-cert and --tls-key, as ${host} is not this machine alone: it decrypts for whoever reaches it.`,
  );
}

function tlsOf(io: Io, { tlsCert, tlsKey }: CodecServeOptions): CodecServerOptions['tls'] {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined)
    throw new BadSetting('Expected --tls-cert and --tls-key together.');
  try {
    return {
      cert: readFileSync(resolve(io.cwd, tlsCert), 'utf8'),
      key: privateText(resolve(io.cwd, tlsKey), 'a private key as PEM'),
    };
  } catch (error) {
    if (error instanceof BadSetting) throw error;
    throw new BadSetting(`Expected ${tlsCert} to be a certificate as PEM, cannot read it.`, { cause: error });
  }
}

/** As a browser says it. */
function requireOrigin(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.origin === text.replace(/[/]$/, '')) return url.origin;
  throw new BadSetting(`Expected --origin to be like http://127.0.0.1:8080, got "${text}".`);
}

function create(settings: CodecServerOptions): Server {
  try {
    return createCodecServer(settings);
  } catch (error) {
    throw new CliError('wrong config', 'The codec server was not started.', {
      description: ['Expected --tls-cert and --tls-key to be a certificate and its key as PEM.'],
      cause: error,
    });
  }
}

async function listen(server: Server, { host, port }: CodecServeOptions['listen']): Promise<void> {
  try {
    await once(server.listen(port, host), 'listening');
  } catch (error) {
    const why = errorCode(error) === 'EADDRINUSE' ? 'is in use' : 'cannot be listened on';
    throw new CliError('failed', `${host}, port ${port}, ${why}.`, {
      description: ['--listen names another.'],
      cause: error,
    });
  }
}

/** Ctrl-C, SIGTERM or SIGHUP. */
async function asked(io: Io): Promise<void> {
  const back: (() => void)[] = [];
  await new Promise<void>((resolve) => {
    back.push(onStopSignal(resolve), io.onInterrupt(resolve));
  });
  for (const giveBack of back) giveBack();
}

/** Lets requests end that are under way. */
async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  const patience = setTimeout(() => {
    server.closeAllConnections();
  }, GRACE_MS);
  await closed;
  clearTimeout(patience);
}
