import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Host, JobSpec, JobState } from '../../hosts/host.ts';
import { eventually } from './eventually.ts';

/** What a host needs for these scenarios beside its jobs: `sh`, `sleep`, `pgrep` of procps. */
export interface JobsSubject {
  /** Host as a worker has it. */
  host: Host;
  /** The same machine as another worker, or the same after a restart, has it. */
  another: Host;
  /** Where a test may write on the machine. */
  folder: string;
}

let count = 0;

/** What every implementation of jobs promises; runs on any machine that is reached by a {@link Host}. */
export function describeJobs(makeSubject: () => Promise<JobsSubject>): void {
  // Longer than the time-outs within, so that these speak first.
  jest.setTimeout(60_000);

  describe('jobs', () => {
    let subject: JobsSubject;
    let started: string[] = [];
    beforeAll(async () => {
      subject = await makeSubject();
    });
    afterEach(async () => {
      for (const name of started) {
        await subject.host.jobs.stop(name);
        await subject.host.jobs.remove(name);
      }
      started = [];
    });
    afterAll(() => Promise.all([subject.host.close(), subject.another.close()]));

    function spec(script: string, more: Partial<JobSpec> = {}): JobSpec {
      count += 1;
      const name = more.name ?? `contract-${process.pid}-${count}`;
      started.push(name);
      return { argv: ['sh', '-c', script, 'sh', name], timeoutMs: 60_000, ...more, name };
    }

    async function ended(name: string): Promise<Extract<JobState, { type: 'ended' }>> {
      let end: Extract<JobState, { type: 'ended' }> | undefined;
      const hasEnded = async (): Promise<boolean> => {
        const state = await subject.host.jobs.status(name);
        if (state.type === 'ended') end = state;
        return state.type === 'ended';
      };
      await eventually(`${name} has ended`, hasEnded, 15_000);
      if (end === undefined) throw new Error('Expected a state.');
      return end;
    }

    /** Processes on the machine that have the job's name as an argument; the supervisor's folder ends with it too. */
    async function processesOf(name: string): Promise<number[]> {
      const { stdout } = await subject.host.run(['pgrep', '-f', `${name}$`], { timeoutMs: 10_000 });
      // On this very machine pgrep's own wrapper has the pattern as its argument, with a $ behind it.
      return stdout.split('\n').filter(Boolean).map(Number);
    }

    it('sees a job through to its result', async () => {
      const job = spec('echo out; echo err >&2; exit 3');
      expect(await subject.host.jobs.start(job)).toEqual({ type: 'started' });
      const state = await ended(job.name);
      expect(state).toMatchObject({ how: 'exited', exitCode: 3, stdout: 'out\n', stderr: 'err\n', truncated: false });
      expect(Math.abs(Date.now() - Date.parse(state.startedAt))).toBeLessThan(60_000);
      expect(state.durationMs).toBeLessThan(10_000);
    });

    it('is absent before, running meanwhile with its last lines, absent after removal', async () => {
      const gate = `${subject.folder}/gate-${count}`;
      const job = spec('i=0; while [ $i -lt 60 ]; do i=$((i+1)); echo "line $i"; done; mkfifo "$2"; cat "$2"');
      const argv = [...job.argv, gate];
      expect(await subject.host.jobs.status(job.name)).toEqual({ type: 'absent' });
      await subject.host.jobs.start({ ...job, argv });
      await eventually('60 lines', async () => {
        const state = await subject.host.jobs.status(job.name);
        return state.type === 'running' && state.lines.at(-1) === 'line 60' && state.lines.length === 50;
      });
      await subject.host.jobs.remove(job.name);
      expect(await subject.host.jobs.status(job.name)).toMatchObject({ type: 'running' });
      await subject.host.run(['sh', '-c', ': >"$1"', 'sh', gate], { timeoutMs: 10_000 });
      await ended(job.name);
      await subject.host.jobs.remove(job.name);
      expect(await subject.host.jobs.status(job.name)).toEqual({ type: 'absent' });
      await subject.host.jobs.remove(job.name);
    });

    it('waits for the end of a job, at most as long as asked', async () => {
      const gate = `${subject.folder}/gate-${count}`;
      const job = spec('mkfifo "$2"; echo ready; cat "$2"');
      await subject.host.jobs.start({ ...job, argv: [...job.argv, gate] });
      await eventually('it is ready', async () => {
        const state = await subject.host.jobs.status(job.name);
        return state.type === 'running' && state.lines.includes('ready');
      });
      expect(await subject.host.jobs.status(job.name, { waitMs: 300 })).toMatchObject({ type: 'running' });
      const waiting = subject.host.jobs.status(job.name, { waitMs: 25_000 });
      await subject.host.run(['sh', '-c', ': >"$1"', 'sh', gate], { timeoutMs: 10_000 });
      expect(await waiting).toMatchObject({ type: 'ended', how: 'exited', exitCode: 0 });
    });

    it('attaches to the job of that name, running or ended, and runs it once', async () => {
      const tally = `${subject.folder}/tally-${count}`;
      const job = spec('echo ran >>"$2"; sleep 0.5');
      const argv = [...job.argv, tally];
      expect(await subject.host.jobs.start({ ...job, argv })).toEqual({ type: 'started' });
      expect(await subject.another.jobs.start({ ...job, argv })).toEqual({ type: 'attached' });
      await ended(job.name);
      expect(await subject.another.jobs.start({ ...job, argv })).toEqual({ type: 'attached' });
      expect((await subject.host.run(['cat', tally], { timeoutMs: 10_000 })).stdout).toBe('ran\n');
    });

    it('has one winner when many start it at the same time', async () => {
      const job = spec('sleep 0.2');
      const hosts = [subject.host, subject.another, subject.host, subject.another, subject.host, subject.another];
      const answers = await Promise.all(hosts.map((host) => host.jobs.start(job)));
      expect(answers.map(({ type }) => type).sort()).toEqual([
        'attached',
        'attached',
        'attached',
        'attached',
        'attached',
        'started',
      ]);
    });

    it('passes arguments, environment, folder and umask as they are', async () => {
      const hostile = [`'; exit 9; '`, '$(exit 9)', '%h %% $HOME ${HOME}', 'a\nb', '-x', '', 'ü🦀', 'x'.repeat(4096)];
      const job = spec('');
      const argv = ['sh', '-c', 'umask; pwd; printf "%s\\0" "$RUNBOOK_X" "$@"', 'sh', ...hostile];
      await subject.host.jobs.start({ ...job, argv, cwd: subject.folder, env: { RUNBOOK_X: hostile.join('') } });
      const { stdout: umask } = await subject.host.run(['sh', '-c', 'umask'], { timeoutMs: 10_000 });
      expect((await ended(job.name)).stdout).toBe(
        `${umask}${subject.folder}\n${[hostile.join(''), ...hostile].join('\0')}\0`,
      );
    });

    it('says that a program does not exist by its exit code', async () => {
      const job = spec('', { argv: ['runbook-no-such-program'] });
      await subject.host.jobs.start(job);
      expect(await ended(job.name)).toMatchObject({ how: 'exited', exitCode: 127 });
    });

    it('refuses a folder that is none, a bad name and a bad time-out, and starts nothing', async () => {
      const job = spec('true');
      await expect(subject.host.jobs.start({ ...job, cwd: '/nonexistent' })).rejects.toThrow(
        '/nonexistent is no folder',
      );
      await expect(subject.host.jobs.start({ ...job, name: '../x' })).rejects.toThrow('a job’s name'.replace('’', "'"));
      await expect(subject.host.jobs.start({ ...job, timeoutMs: 0 })).rejects.toThrow('a time-out');
      expect(await subject.host.jobs.status(job.name)).toEqual({ type: 'absent' });
    });

    it('tells the end by a signal', async () => {
      const job = spec('kill -KILL $$');
      await subject.host.jobs.start(job);
      expect(await ended(job.name)).toMatchObject({ how: 'signalled', exitCode: 137 });
    });

    it('ends a job and its children after its time-out', async () => {
      const job = spec('echo part; sh -c "sleep 1000; :" "$1" & sleep 1000; :', { timeoutMs: 500 });
      await subject.host.jobs.start(job);
      expect(await ended(job.name)).toMatchObject({ how: 'timed out', stdout: 'part\n' });
      await eventually('nothing of it is left', async () => (await processesOf(job.name)).length === 0);
    });

    it('stops a job and its children, waits for it, and keeps what it said last', async () => {
      const job = spec(`trap 'echo cleaned; exit 5' TERM; sh -c "sleep 1000; :" "$1" & echo ready; wait`);
      await subject.host.jobs.start(job);
      await eventually('it is ready', async () => {
        const state = await subject.host.jobs.status(job.name);
        return state.type === 'running' && state.lines.includes('ready');
      });
      await subject.another.jobs.stop(job.name);
      const state = await subject.host.jobs.status(job.name);
      expect(state).toMatchObject({ how: 'stopped', exitCode: 5, stdout: 'ready\ncleaned\n' });
      await eventually('nothing of it is left', async () => (await processesOf(job.name)).length === 0);
      await subject.host.jobs.stop(job.name);
      expect(await subject.host.jobs.status(job.name)).toEqual(state);
    });

    it('does not mind stopping what does not exist', async () => {
      await subject.host.jobs.stop('contract-none');
      expect(await subject.host.jobs.status('contract-none')).toEqual({ type: 'absent' });
    });

    it('kills a job that ignores SIGTERM', async () => {
      const job = spec(`trap '' TERM; echo ready; while :; do sleep 0.1; done`);
      await subject.host.jobs.start(job);
      await eventually('it is ready', async () => {
        const state = await subject.host.jobs.status(job.name);
        return state.type === 'running' && state.lines.includes('ready');
      });
      await subject.host.jobs.stop(job.name);
      expect(await subject.host.jobs.status(job.name)).toMatchObject({ how: 'stopped', exitCode: 137 });
    });

    it('refuses a second job of the same fence until the first has ended', async () => {
      const fence = `contract-fence-${process.pid}`;
      const [first, second] = [spec('sleep 1000', { fence }), spec('true', { fence })];
      expect(await subject.host.jobs.start(first)).toEqual({ type: 'started' });
      expect(await subject.another.jobs.start(second)).toEqual({ type: 'fenced', holder: first.name });
      expect(await subject.another.jobs.status(second.name)).toEqual({ type: 'absent' });
      await subject.host.jobs.stop(first.name);
      expect(await subject.another.jobs.start(second)).toEqual({ type: 'started' });
      expect(await ended(second.name)).toMatchObject({ exitCode: 0 });
    });

    it('calls a job lost when its supervisor was killed, leaves nothing at work, and frees the fence', async () => {
      const fence = `contract-fence-${process.pid}`;
      const job = spec('sh -c "sleep 1000; :" "$1" & echo said; sleep 1000; :', { fence });
      await subject.host.jobs.start(job);
      await eventually('it said something', async () => {
        const state = await subject.host.jobs.status(job.name);
        return state.type === 'running' && state.lines.length > 0;
      });
      const supervisors = await subject.host.run(['pgrep', '-f', `/${job.name}/job$`], { timeoutMs: 10_000 });
      await subject.host.run(['kill', '-KILL', ...supervisors.stdout.trim().split('\n')], { timeoutMs: 10_000 });
      expect(await ended(job.name)).toMatchObject({ how: 'lost', stdout: 'said\n' });
      await eventually('nothing of it is left', async () => (await processesOf(job.name)).length === 0);
      const next = spec('true', { fence });
      expect(await subject.host.jobs.start(next)).toEqual({ type: 'started' });
      await ended(next.name);
    });

    it('caps the output of a job in its middle', async () => {
      const job = spec('i=0; echo first; while [ $i -lt 40000 ]; do i=$((i+1)); echo 0123456789; done; echo last');
      await subject.host.jobs.start(job);
      const { stdout, truncated } = await ended(job.name);
      expect(truncated).toBe(true);
      expect(stdout.length).toBeLessThan(263_000);
      expect(stdout).toMatch(/^first\n[\s\S]*… part left out …[\s\S]*\nlast\n$/);
    });

    it('lists the jobs of a prefix', async () => {
      const prefix = `contract-${process.pid}-listed`;
      await subject.host.jobs.start(spec('true', { name: `${prefix}-a` }));
      await subject.host.jobs.start(spec('true', { name: `${prefix}-b` }));
      expect(await subject.another.jobs.list(prefix)).toEqual([`${prefix}-a`, `${prefix}-b`]);
      expect(await subject.another.jobs.list(`${prefix}-none`)).toEqual([]);
    });
  });
}
