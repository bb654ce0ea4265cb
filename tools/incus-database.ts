import { parse } from 'yaml';
import { z } from 'zod';
import type { Host, RunResult } from '../hosts/host.ts';
import { listFolder } from './folder.ts';
import { tail, unexpected, type Ran, type Unexpected } from './result.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

const DATABASE = '/var/lib/incus/database';
/** Reads or writes some files; on a slow disk seconds. */
const TIMEOUT_MS = 60_000;
/** A database is some tens of megabytes. */
const COPY_TIMEOUT_MS = 10 * 60_000;
/** Its process is dead by then, so systemd has nothing to wait for. */
const STOP_TIMEOUT_MS = 60_000;

const shown = z.object({
  members: z.array(z.object({ name: z.string().default(''), address: z.string(), role: z.string() })),
});

interface DatabaseMember {
  name: string;
  address: string;
  /** `voter`, `stand-by`, `spare` */
  role: string;
}

/** What runs by a process of its own, whatever becomes of Incus's daemon. */
interface Process {
  pid: number;
  /** Its command line. */
  command: string;
}

/** The cluster's database as it is on a member's own disk: also where no daemon answers for want of a leader. */
export interface IncusDatabase {
  /** `none`: there is no database of a cluster. Changes nothing. */
  show(): Promise<
    { type: 'database'; members: DatabaseMember[]; segment?: number } | { type: 'none'; message: string } | Unexpected
  >;
  /** Containers and virtual machines that run, by the processes that keep them. Changes nothing. */
  instances(): Promise<{ type: 'instances'; processes: Process[] } | Unexpected>;
  /** Ends the daemon, also one that waits for a leader for ever, and nothing else: instances run on. Idempotent. */
  halt(): Promise<{ type: 'halted' } | Unexpected>;
  /** Starts what `halt` has ended with it: Incus's start-up unit, which stops instances in order when the host goes down. */
  resumeStartUp(): Promise<{ type: 'resumed' } | Unexpected>;
  /** A copy in a folder of the host that only root reads. Idempotent. */
  copyTo(folder: string): Promise<{ type: 'copied' } | { type: 'already there' } | Unexpected>;
  /** Makes this member the only one of the database, of a daemon that does not run. `running`: it does. */
  recover(): Promise<{ type: 'recovered' } | { type: 'running'; message: string } | Unexpected>;
}

/** The processes that keep an instance running: of containers their monitor, of virtual machines QEMU itself. */
const INSTANCES = '^(\\[lxc monitor\\] |[^ ]*qemu-system-)';

/** It needs the socket, so that the end of that is its end. Not every system has it. */
const START_UP = 'incus-startup.service';

export function createIncusDatabase(host: Host, options: ToolOptions = {}): IncusDatabase {
  const run = async (argv: readonly string[], timeoutMs = TIMEOUT_MS): Promise<Ran & { result: RunResult }> => ({
    argv,
    result: await host.run(argv, { timeoutMs, ...withSignal(options) }),
  });

  return {
    show: async () => {
      const ran = await run(['incus', 'admin', 'cluster', 'show']);
      return ran.result.exitCode === 0 ? read(ran) : unexpected('incus', ran);
    },
    instances: async () => {
      const ran = await run(['pgrep', '-f', '-a', INSTANCES]);
      // 1: there are none.
      if (ran.result.exitCode > 1) return unexpected('pgrep', ran);
      const processes = ran.result.stdout.split('\n').flatMap((line) => {
        const [, pid, command] = /^(\d+) (.*)$/.exec(line) ?? [];
        return pid === undefined || command === undefined ? [] : [{ pid: Number(pid), command }];
      });
      return { type: 'instances', processes };
    },
    halt: async () => {
      // Asked to end, it waits for the database: so it is killed, and before systemd can restart it, it is to stop. Only its
      // own process: those of virtual machines and of networks are in its unit as well. Fails where there is none.
      const kill = ['systemctl', 'kill', '--kill-whom=main', '--signal=KILL', '--', 'incus.service'];
      await run(kill);
      const asked = await run(['systemctl', 'stop', '--no-block', '--', 'incus.service']);
      if (asked.result.exitCode !== 0) return unexpected('systemctl', asked);
      await run(kill);
      // The service first: where it is active, an end of its socket makes Incus's start-up unit stop all instances.
      for (const unit of ['incus.service', 'incus.socket']) {
        const ran = await run(['systemctl', 'stop', '--', unit], STOP_TIMEOUT_MS);
        if (ran.result.exitCode !== 0) return unexpected('systemctl', ran);
      }
      return { type: 'halted' };
    },
    resumeStartUp: async () => {
      const ran = await run(['systemctl', 'start', '--no-block', '--', START_UP]);
      const isNone = /^Failed to start .*: Unit .* not found\.$/m.test(ran.result.stderr);
      return ran.result.exitCode === 0 || isNone ? { type: 'resumed' } : unexpected('systemctl', ran);
    },
    copyTo: async (folder) => {
      const listed = await listFolder(host, folder, options);
      if (listed.type === 'unexpected') return listed;
      if (listed.type === 'entries' && listed.names.includes('database')) return { type: 'already there' };
      const part = `${folder}/database.part`;
      for (const argv of [
        ['mkdir', '-p', '-m', '700', folder],
        ['rm', '-rf', '--', part],
        ['cp', '-a', '--no-target-directory', DATABASE, part],
        ['mv', '--no-target-directory', part, `${folder}/database`],
      ]) {
        const ran = await run(argv, COPY_TIMEOUT_MS);
        if (ran.result.exitCode !== 0) return unexpected(argv[0] ?? '', ran);
      }
      return { type: 'copied' };
    },
    recover: async () => {
      // Before the two dashes `incus` would take the option for its own, and the command would ask (Incus 6.0.4).
      const ran = await run(['incus', 'admin', 'cluster', '--', 'recover-from-quorum-loss', '--quiet']);
      if (ran.result.exitCode === 0) return { type: 'recovered' };
      const message = ran.result.stderr.trim();
      return /The daemon is running, please stop it first/.test(message)
        ? { type: 'running', message }
        : unexpected('incus', ran);
    },
  };
}

/** YAML, and in a comment the newest part of the log. */
function read(ran: Ran): Awaited<ReturnType<IncusDatabase['show']>> {
  const { stdout } = ran.result;
  let value: unknown;
  try {
    value = parse(stdout);
  } catch {
    return unexpected('incus', ran, 'Expected YAML.');
  }
  const answer = shown.safeParse(value);
  if (!answer.success) return unexpected('incus', ran, 'Expected the members of the database.');
  const { members } = answer.data;
  if (members.length === 0) return { type: 'none', message: `It lists no members: ${tail(stdout, 200)}` };
  const [, segment] = /^# Latest dqlite segment ID: (\d+)$/m.exec(stdout) ?? [];
  return { type: 'database', members, ...(segment === undefined ? {} : { segment: Number(segment) }) };
}
