import { type Host, HostError, type RunOptions, type RunResult } from './host.ts';
import { createJobs } from './jobs.ts';
import { type HostLogger, SILENT } from './logger.ts';
import { type Carrier, type CarrierLink, type ProcessEnd, newNonce, runProcess } from './process.ts';
import { putFile } from './put-file.ts';
import { displayArgv } from './quote.ts';
import { redact } from './redact.ts';
import { remoteCommand } from './remote-command.ts';
import { resultOf } from './run-error.ts';
import { sshFailure } from './ssh-failure.ts';
import { type SshMaster, createSshMaster } from './ssh-master.ts';
import { createTurns } from './turns.ts';
import { type SshConnection, controlPath, prepareConnection, sshArguments } from './ssh-options.ts';

export interface SshHostSettings extends SshConnection {
  /** Default `ssh`, from PATH. */
  sshProgram?: string;
  /** Folder of the jobs on the host; it must survive a reboot. Default `/var/lib/runbook`. */
  stateDir?: string;
  /** Added to the environment of the local ssh. */
  env?: Readonly<Record<string, string>>;
  logger?: HostLogger;
  /** Milliseconds that never go back; tells how long the connection was idle. */
  clock?: () => number;
}

/**
 * Commands at the same time. sshd takes ten sessions of a connection (MaxSessions); for one more, ssh would open a
 * connection of its own, and sshd drops some of many that are opened at once (MaxStartups). Fewer than ten, because a
 * session ends there a moment after its command has ended here.
 */
const SESSIONS = 6;

/** What the marks of one command have said so far. */
interface Marks {
  begun: boolean;
  exitCode: number | undefined;
}

/**
 * A machine that is reached by OpenSSH, over one multiplexed connection. Nothing of ours is installed there: it needs a
 * POSIX login shell and the usual small programs. Its jobs are systemd units where it has systemd.
 * @throws {TypeError} where the settings can't be a connection.
 */
export function createSshHost(settings: SshHostSettings): Host {
  const {
    name,
    sshProgram = 'ssh',
    stateDir = '/var/lib/runbook',
    env,
    logger = SILENT,
    clock = () => performance.now(),
  } = settings;
  const connection = sshArguments(settings);
  let prepared: Promise<void> | undefined;

  const ssh = (argv: readonly string[], options: RunOptions, shown: readonly string[], carrier?: Carrier) =>
    runProcess([sshProgram, ...argv], {
      ...options,
      ...(env === undefined ? { env: {} } : { env }),
      host: name,
      logger,
      shown,
      ...(carrier === undefined ? {} : { carrier }),
    });

  const master = createSshMaster({
    clock,
    controlPath: controlPath(settings),
    probe: (timeoutMs) => ssh([...connection, ':'], { timeoutMs }, ['ssh', name, ':']),
    control: (what, timeoutMs) => ssh(['-O', what, ...connection], { timeoutMs }, ['ssh', '-O', what, name]),
  });

  const runNow: Host['run'] = async (argv, options) => {
    prepared ??= prepareConnection(settings);
    await prepared;
    await master.freshen();
    const nonce = newNonce();
    const inputBytes = options.input === undefined ? undefined : Buffer.byteLength(options.input);
    const command = remoteCommand({ argv, env: options.env, nonce, inputBytes });
    const marks: Marks = { begun: false, exitCode: undefined };
    const end = await ssh([...connection, command], options, argv, createCarrier(nonce, marks, master));
    return remoteResult(end, marks, { name, argv, options });
  };
  const inTurn = createTurns(SESSIONS);
  const run: Host['run'] = (argv, options) => inTurn(() => runNow(argv, options));

  return {
    name,
    run,
    putFile: (path, content, options) => putFile({ name, run }, path, content, options),
    jobs: createJobs({ name, run }, { stateDir, launcher: 'systemd', logger }),
    close: () => master.exit(),
  };
}

/** Speaks with {@link remoteCommand} on the other side. */
function createCarrier(nonce: string, marks: Marks, master: SshMaster): Carrier {
  let link: CarrierLink | undefined;
  return {
    nonce,
    attach: (attached) => {
      link = attached;
    },
    onMark: (mark) => {
      master.answered();
      if (mark === 'begin') marks.begun = true;
      const code = /^exit (\d+)$/.exec(mark)?.[1];
      if (code === undefined) return;
      marks.exitCode = Number(code);
      link?.over();
    },
    askToStop: () => {
      if (!marks.begun) return false;
      link?.write('stop\n');
      return true;
    },
  };
}

/** @throws {HostError} where the command was not seen through. */
function remoteResult(
  end: ProcessEnd,
  marks: Marks,
  { name, argv, options }: { name: string; argv: readonly string[]; options: RunOptions },
): RunResult {
  if (end.type !== 'exited') return resultOf(end, name, argv, options);
  if (marks.exitCode !== undefined) return { ...end.result, exitCode: marks.exitCode };
  const { stdout, stderr, exitCode } = end.result;
  const said = redact(stderr.trim());
  if (marks.begun)
    throw new HostError(
      'Unreachable',
      name,
      `The connection to ${name} broke while ${displayArgv(argv)} was running; whether it ran to its end is unknown. ${said}`,
      { output: redact(`${stdout}${stderr}`) },
    );
  const { type, meaning } = sshFailure(stderr, exitCode);
  throw new HostError(type, name, `Could not use ${name}: ${meaning}. ssh said: ${lastLines(said)}`, { output: said });
}

/** The cause stands at the end; a changed host key comes with a page of warnings. */
function lastLines(text: string): string {
  return text.split('\n').slice(-2).join(' ');
}
