import type { Host } from '../hosts/host.ts';
import { attempt, lastLine, rootCause } from './probe-attempt.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

/** A health page is small; a probe must not fill the worker's memory with something else. */
const MAX_BODY_BYTES = 1024 * 1024;

/** For the connection to the host and the start of curl, over curl's own time-out. */
const MARGIN_MS = 5_000;

export type Fetched = { type: 'response'; status: number; body: string } | { type: 'no response'; message: string };

/** One GET from this machine. Redirects are not followed: the status asked for is the page's own. */
export async function fetchOnce(url: string, timeoutMs: number, options: ToolOptions): Promise<Fetched> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = options.signal === undefined ? timeout : AbortSignal.any([timeout, options.signal]);
  try {
    const response = await fetch(url, { redirect: 'manual', signal });
    return { type: 'response', status: response.status, body: await readSome(response) };
  } catch (error) {
    options.signal?.throwIfAborted();
    return { type: 'no response', message: timeout.aborted ? `no answer within ${timeoutMs} ms` : rootCause(error) };
  }
}

/** The same from a host, by `curl` there. */
export async function curlOnce(
  host: Host,
  url: string,
  timeoutMs: number,
  options: ToolOptions,
): Promise<Fetched | { type: 'no curl' }> {
  const argv = [
    ...['curl', '--silent', '--show-error', '--max-time', String(timeoutMs / 1000), '--proto', '=http,https'],
    ...['--write-out', '\n%{http_code}', '--url', url],
  ];
  const ran = await attempt(host, argv, timeoutMs + MARGIN_MS, withSignal(options));
  if (ran.type === 'not run') return { type: 'no curl' };
  if (ran.type === 'no answer') return { type: 'no response', message: ran.message };
  const found = /\n(\d{3})$/.exec(ran.result.stdout);
  if (ran.result.exitCode !== 0 || found === null) {
    const said = lastLine({ ...ran.result, stdout: '' });
    return { type: 'no response', message: said === '' ? `curl exited with ${ran.result.exitCode}` : said };
  }
  return { type: 'response', status: Number(found[1]), body: ran.result.stdout.slice(0, found.index) };
}

/** Leaving the loop early also ends the transfer. */
async function readSome(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    size += chunk.byteLength;
    if (size >= MAX_BODY_BYTES) break;
  }
  return Buffer.concat(chunks).subarray(0, MAX_BODY_BYTES).toString('utf8');
}
