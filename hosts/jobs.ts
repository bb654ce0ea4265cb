import { type Host, HostError, type JobSpec, type JobState, type Jobs, type RunResult } from './host.ts';
import {
  listArguments,
  removeArguments,
  startArguments,
  statusArguments,
  stopArguments,
  supervisorScript,
} from './job-scripts.ts';
import { parseJobState } from './job-state.ts';
import type { HostLogger } from './logger.ts';
import { newNonce } from './process.ts';

const SHORT_MS = 30_000;
/** Longer than the supervisor's own way from SIGTERM to SIGKILL to the result. */
const STOP_SECONDS = 25;
/** Of each end of stdout and stderr of an ended job. */
const KEPT_BYTES = 128 * 1024;
const NAME = /^[a-z0-9-]{1,180}$/;

/** `systemd` falls back to `process` on a host that has none, and says so. */
export type Launcher = 'systemd' | 'process';

/**
 * Jobs by small shell scripts over a host's `run`: one round trip each. A job is a folder `<stateDir>/jobs/<name>/`,
 * 0700, with its supervisor's script, its output and its result.
 */
export function createJobs(
  host: Pick<Host, 'run' | 'name'>,
  { stateDir, launcher, logger }: { stateDir: string; launcher: Launcher; logger: HostLogger },
): Jobs {
  const systemd = launcher === 'systemd';
  if (!stateDir.startsWith('/'))
    throw new TypeError(`Expected an absolute folder for jobs on ${host.name}, got ${stateDir}.`);

  const run = async (what: string, argv: string[], more: { signal?: AbortSignal; input?: string } = {}) => {
    const result = await host.run(argv, { timeoutMs: SHORT_MS, maxOutputBytes: 8 * KEPT_BYTES, ...more });
    return checked(result, what, host.name);
  };

  return {
    start: async (spec, { signal } = {}) => {
      checkSpec(spec);
      const script = supervisorScript(spec, stateDir, new Date().toISOString());
      const more = { input: script, ...withSignal(signal) };
      const answer = await run(`start job ${spec.name}`, startArguments(spec, stateDir, systemd), more);
      const [word = '', rest = ''] = said(answer, `start job ${spec.name}`, host.name).trim().split(' ', 2);
      if (systemd && rest === 'process')
        logger.warn({ host: host.name, job: spec.name }, 'no systemd on this host: the job is a plain process');
      if (word === 'started' || word === 'attached') return { type: word };
      if (word === 'fenced') return { type: 'fenced', holder: rest };
      throw unexpected(`start job ${spec.name}`, host.name, answer);
    },
    status: async (name, { signal, waitMs = 0 } = {}): Promise<JobState> => {
      const boundary = newNonce();
      const argv = statusArguments(stateDir, checkName(name), { boundary, keptBytes: KEPT_BYTES, waitMs });
      const answer = await run(`see job ${name}`, argv, withSignal(signal));
      return parseJobState(said(answer, `see job ${name}`, host.name), boundary);
    },
    stop: async (name, { signal } = {}) => {
      await run(`stop job ${name}`, stopArguments(stateDir, checkName(name), STOP_SECONDS), withSignal(signal));
    },
    remove: async (name, { signal } = {}) => {
      await run(`remove job ${name}`, removeArguments(stateDir, checkName(name), systemd), withSignal(signal));
    },
    list: async (prefix, { signal } = {}) => {
      const argv = listArguments(stateDir, prefix === '' ? '' : checkName(prefix));
      const { stdout } = await run('list jobs', argv, withSignal(signal));
      return stdout.split('\n').filter((line) => line !== '');
    },
  };
}

function checkSpec(spec: JobSpec): void {
  checkName(spec.name);
  if (spec.fence !== undefined) checkName(spec.fence);
  if (!(spec.timeoutMs > 0))
    throw new TypeError(`Expected a time-out in milliseconds for job ${spec.name}, got ${spec.timeoutMs}.`);
}

function checkName(name: string): string {
  if (NAME.test(name)) return name;
  throw new TypeError(`Expected a job's name of a-z, 0-9 and -, at most 180 characters, got ${JSON.stringify(name)}.`);
}

function withSignal(signal: AbortSignal | undefined): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

function checked(result: RunResult, what: string, host: string): RunResult {
  if (result.exitCode === 0) return result;
  throw unexpected(what, host, result);
}

/** `incus exec` can lose what a command printed (docs/simulator.md says when): these scripts always print something. */
function said(result: RunResult, what: string, host: string): string {
  if (result.stdout !== '') return result.stdout;
  throw new HostError('Unreachable', host, `Could not ${what} on ${host}: the answer was lost on its way.`);
}

function unexpected(what: string, host: string, { exitCode, stdout, stderr }: RunResult): HostError {
  const said = `${stdout}${stderr}`.trim().slice(0, 500);
  return new HostError('NotRun', host, `Could not ${what} on ${host}: exit code ${exitCode}, ${said}`);
}
