import { z } from 'zod';
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
  /** A GET of a list: empty where `incus query` prints nothing, as it does for none. */
  list<T>(path: string, schema: z.ZodType<T>): Promise<{ type: 'json'; value: T[] } | IncusFailure>;
  /** A command that changes nothing. `known` reads the errors that only this command has. */
  read<T, K extends object = never>(
    argv: readonly string[],
    schema: z.ZodType<T>,
    known: (error: string) => K | undefined,
  ): Promise<{ type: 'json'; value: T } | K | IncusFailure>;
  /** Waits for the operation's end. It runs in the server: losing the connection does not end it. */
  send(
    method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    path: string,
    body: object | undefined,
    timeoutMs: number,
  ): Promise<Ran>;
  /** Any other command. `input` is what it reads: the place for secrets. */
  run(argv: readonly string[], timeoutMs: number, options?: { input: string }): Promise<Ran>;
}

export function createIncusApi(host: Host, options: ToolOptions): IncusApi {
  const run: IncusApi['run'] = async (argv, timeoutMs, input) => ({
    argv,
    result: await host.run(argv, { timeoutMs, maxOutputBytes: MAX_OUTPUT_BYTES, ...input, ...withSignal(options) }),
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
  const get = <T>(path: string, schema: z.ZodType<T>) => read<T>(['incus', 'query', path], schema, () => undefined);

  return {
    run,
    read,
    get,
    list: async (path, schema) => {
      const answer = await get(path, z.array(schema));
      return answer.type === 'unexpected' && answer.exitCode === 0 && answer.silent
        ? { type: 'json', value: [] }
        : answer;
    },
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
