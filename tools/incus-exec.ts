import { HostError, type Host, type HostErrorType, type RunOptions, type RunResult } from '../hosts/host.ts';
import { createJobs } from '../hosts/jobs.ts';
import { SILENT, type HostLogger } from '../hosts/logger.ts';
import { putFile } from '../hosts/put-file.ts';
import { createIncus, type Incus } from './incus.ts';

/** In the guest; survives its reboot. */
const STATE_DIR = '/var/lib/runbook';

export interface GuestOptions {
  /** Any member of the cluster: Incus finds the one that the guest is on. */
  member: Host;
  project: string;
  instance: string;
  logger?: HostLogger;
}

/**
 * The inside of an instance as a host, by `incus exec` on a member: no address, no ssh in the guest.
 * A stopped guest, one without its agent, or one on a member that is away is `Unreachable`; one that does not exist is
 * `Refused`. Throws a TypeError for names that Incus would take for an option or another remote.
 */
export function createGuestHost({ member, project, instance, logger = SILENT }: GuestOptions): Host {
  const prefix = ['incus', 'exec', `--project=${incusName(project)}`, incusName(instance), '--mode=non-interactive'];

  const run = async (argv: readonly string[], options: RunOptions): Promise<RunResult> => {
    const { env = {}, ...rest } = options;
    const variables = Object.entries(env).map(([key, value]) => `--env=${key}=${value}`);
    const result = await member.run([...prefix, ...variables, '--', ...argv], rest);
    const failure = await failedToRun(result, () =>
      createIncus(member, rest.signal === undefined ? {} : { signal: rest.signal }).instanceState(project, instance),
    );
    if (failure === undefined) return result;
    throw new HostError(failure.type, instance, `Could not run ${argv[0] ?? ''} in ${instance}: ${failure.message}`, {
      output: result.stderr,
    });
  };

  const guest = { name: instance, run };
  return {
    ...guest,
    putFile: (path, content, options) => putFile(guest, path, content, options),
    jobs: createJobs(guest, { stateDir: STATE_DIR, launcher: 'systemd', logger }),
    close: () => Promise.resolve(),
  };
}

interface Failure {
  type: HostErrorType;
  message: string;
}

/**
 * Tells Incus's own failures from the program's, which may exit with the same code and print the same words. Where both
 * are possible the state of the instance decides, at the price of another call.
 */
async function failedToRun(
  { exitCode, stderr }: RunResult,
  instanceState: () => ReturnType<Incus['instanceState']>,
): Promise<Failure | undefined> {
  const error = /(?:^|\n)Error: ([^\n]*)\n*$/.exec(stderr)?.[1];
  if (exitCode === 127 && error === 'Command not found') return { type: 'NotRun', message: 'there is no such program' };
  if (exitCode === 126 && error === 'Command not executable') return { type: 'NotRun', message: 'it is no program' };
  // 1 and, where the operation was under way, −1 are Incus's own; 129 is a guest that went down meanwhile.
  const doubtful = exitCode === 129 || (error !== undefined && (exitCode === 1 || exitCode === 255));
  if (!doubtful) return undefined;
  const state = await instanceState();
  switch (state.type) {
    case 'state':
      if (state.status !== 'Running') return { type: 'Unreachable', message: `the instance is ${state.status}` };
      // A virtual machine without its agent runs nothing, so the words are Incus's.
      return state.processes < 0
        ? { type: 'Unreachable', message: 'the agent in the guest does not answer' }
        : undefined;
    case 'not found':
      return { type: 'Refused', message: state.what };
    case 'busy':
    case 'no quorum':
    case 'member offline':
      return { type: 'Unreachable', message: state.message };
    case 'unexpected':
      return { type: 'Unreachable', message: state.output };
  }
}

/** As Incus itself allows, and no `remote:name`. */
function incusName(name: string): string {
  if (/^[A-Za-z0-9][^\s:/]*$/.test(name)) return name;
  throw new TypeError(`Expected the name of an Incus project or instance, got ${JSON.stringify(name)}.`);
}
