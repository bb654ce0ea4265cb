import type { z } from 'zod';
import { HostError, type Host } from '../hosts/host.ts';
import { incusError, readIncusError, type IncusFailure } from './incus-errors.ts';
import { readJson, type Ran } from './result.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

/** A read takes under a second, 4 s on a slow machine, and 12 s more where a member is away. Without quorum: for ever. */
const READ_TIMEOUT_MS = 30_000;

/** Listings of every instance with its devices are larger than what is kept of other commands. */
const MAX_OUTPUT_BYTES = 32 * 1024 * 1024;

/** Incus's REST API through `incus` on a member, which needs no certificate of ours. */
export interface IncusApi {
  /** A GET: changes nothing. */
  get<T>(path: string, schema: z.ZodType<T>): Promise<{ type: 'json'; value: T } | IncusFailure>;
  /** A command that changes nothing. `known` reads the errors that only this command has. */
  read<T, K extends object = never>(
    argv: readonly string[],
    schema: z.ZodType<T>,
    known: (error: string) => K | undefined,
  ): Promise<{ type: 'json'; value: T } | K | IncusFailure>;
  /** Waits for the operation's end. It runs in the server: losing the connection does not end it. */
  send(method: 'POST' | 'PUT' | 'DELETE', path: string, body: object | undefined, timeoutMs: number): Promise<Ran>;
  /** Any other command. */
  run(argv: readonly string[], timeoutMs: number): Promise<Ran>;
}

export function createIncusApi(host: Host, options: ToolOptions): IncusApi {
  const run = async (argv: readonly string[], timeoutMs: number): Promise<Ran> => ({
    argv,
    result: await host.run(argv, { timeoutMs, maxOutputBytes: MAX_OUTPUT_BYTES, ...withSignal(options) }),
  });

  const read: IncusApi['read'] = async (argv, schema, known) => {
    let ran: Ran;
    try {
      ran = await run(argv, READ_TIMEOUT_MS);
    } catch (error) {
      if (error instanceof HostError && error.type === 'TimedOut') return hangs(host);
      throw error;
    }
    if (ran.result.exitCode === 0) return readJson('incus', ran, schema);
    return known(incusError(ran)) ?? readIncusError(ran);
  };

  return {
    run,
    read,
    get: <T>(path: string, schema: z.ZodType<T>) => read<T>(['incus', 'query', path], schema, () => undefined),
    send: (method, path, body, timeoutMs) =>
      run(
        ['incus', 'query', '-X', method, '--wait', ...(body === undefined ? [] : ['-d', JSON.stringify(body)]), path],
        timeoutMs,
      ),
  };
}

function hangs(host: Host): IncusFailure {
  const message = `incus on ${host.name} gave no answer within ${READ_TIMEOUT_MS / 1000} s: the cluster has no quorum, or its daemon hangs.`;
  return { type: 'no quorum', message };
}

/**
 * A path of the API. Names are percent-encoded, so a hostile one stays one segment.
 * Throws a TypeError for a name that no encoding keeps apart from the path: empty, `.`, `..`.
 */
export function apiPath(segments: readonly string[], query: Readonly<Record<string, string | undefined>> = {}): string {
  for (const segment of segments)
    if (['', '.', '..'].includes(segment)) throw new TypeError(`Expected a name, got ${JSON.stringify(segment)}.`);
  const path = ['', '1.0', ...segments.map(encodeURIComponent)].join('/');
  const parameters = Object.entries(query).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}=${encodeURIComponent(value)}`],
  );
  return parameters.length === 0 ? path : `${path}?${parameters.join('&')}`;
}
