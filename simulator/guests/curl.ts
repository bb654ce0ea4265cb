import { readOptions } from '../core/arguments.ts';
import { Unknown, type Call } from '../core/call.ts';
import { isUp } from '../core/reachability.ts';
import { machineOf } from '../core/store.ts';
import { httpAnswer, type HttpAnswer } from './health.ts';

const UNSUPPORTED_PROTOCOL = 1;
const COULD_NOT_RESOLVE = 6;
const COULD_NOT_CONNECT = 7;
const HTTP_ERROR = 22;

/** `curl` from a machine to itself or to another of the simulation. Nothing else is on its network. */
export function curl(call: Call): number {
  const asked = readOptions(call.args, {
    flags: ['silent', 'show-error', 'fail'],
    values: ['max-time', 'proto', 'write-out', 'url'],
    short: { s: 'silent', S: 'show-error', m: 'max-time', w: 'write-out', f: 'fail' },
  });
  const url = new URL(asked.value('url') ?? asked.positionals[0] ?? '');
  const answer = get(call, url, asked.value('proto'));
  const isFailure = answer.error === undefined && asked.has('fail') && answer.status >= 400;
  const error = isFailure ? httpError(answer.status) : answer.error;
  if (error) call.err(`curl: (${error.code}) ${error.text}\n`);
  else call.out(answer.body);
  // Also where there was no answer: 000 is its status then.
  call.out(written(asked.value('write-out'), answer.status));
  return error?.code ?? 0;
}

interface CurlAnswer extends HttpAnswer {
  error?: { code: number; text: string };
}

function get(call: Call, url: URL, protocols: string | undefined): CurlAnswer {
  const failed = (code: number, text: string): CurlAnswer => ({ status: 0, body: '', error: { code, text } });
  const protocol = url.protocol.replace(':', '');
  if (protocols?.replace('=', '').split(',').includes(protocol) === false)
    return failed(UNSUPPORTED_PROTOCOL, `Protocol "${protocol}" disabled`);
  const state = call.store.read();
  const target = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
    ? machineOf(state, call.machine)
    : Object.values(state.machines).find(({ name, address }) => address === url.hostname || name === url.hostname);
  if (!target) return failed(COULD_NOT_RESOLVE, `Could not resolve host: ${url.hostname}`);
  const port = Number(url.port || (protocol === 'https' ? 443 : 80));
  const answer =
    isUp(state, target) && target.power === 'on'
      ? httpAnswer(call.store, state, target, port, url.pathname)
      : undefined;
  return (
    answer ??
    failed(
      COULD_NOT_CONNECT,
      `Failed to connect to ${url.hostname} port ${port} after 0 ms: Could not connect to server`,
    )
  );
}

function httpError(status: number): { code: number; text: string } {
  return { code: HTTP_ERROR, text: `The requested URL returned error: ${status}` };
}

function written(format: string | undefined, status: number): string {
  if (format === undefined) return '';
  if (/%\{(?!http_code\})/.test(format)) throw new Unknown(`unknown variable in ${format}`);
  return format.replaceAll('\\n', '\n').replaceAll('%{http_code}', String(status).padStart(3, '0'));
}
