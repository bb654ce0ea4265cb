import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import type { Host } from '../../hosts/host.ts';
import { eventually, isAsleep, processesWith, uniqueSeconds } from './eventually.ts';
import { HOSTILE, words } from './hostile.ts';

/** What every {@link Host} promises of `run` and `putFile`. The host must share this machine's processes and files. */
export function describeRun(makeHost: () => Promise<{ host: Host; folder: string }>, { runs }: { runs: number }): void {
  // Longer than the time-outs within, so that these speak first.
  jest.setTimeout(60_000);

  describe('run', () => {
    let host: Host;
    let folder: string;
    beforeAll(async () => {
      ({ host, folder } = await makeHost());
    });
    afterAll(() => host.close());

    const sh = (script: string, ...more: string[]): string[] => ['sh', '-c', script, 'sh', ...more];
    const short = { timeoutMs: 20_000 };

    it('passes every hostile argument as it is', async () => {
      const { stdout } = await host.run(sh('printf "%s\\0" "$@"', ...HOSTILE), short);
      expect(stdout.split('\0').slice(0, -1)).toEqual(HOSTILE);
    });

    it('passes any arguments and any input as they are', async () => {
      await fc.assert(
        fc.asyncProperty(words, fc.constantFrom(...HOSTILE), async (argv, input) => {
          const { stdout } = await host.run(sh('cat; printf "%s\\0" "$@"', ...argv), { ...short, input });
          expect(stdout).toBe(`${input}${argv.join('\0')}\0`);
        }),
        { numRuns: runs },
      );
    });

    it('refuses a NUL as an error of the caller', async () => {
      await expect(host.run(['echo', 'a\0b'], short)).rejects.toThrow(TypeError);
    });

    it('resolves with every exit code', async () => {
      const codes = Array.from({ length: 256 }, (_, code) => code);
      // Ten at a time: sshd takes no more sessions in one connection.
      const found: number[] = [];
      for (let first = 0; first < codes.length; first += 8)
        found.push(
          ...(await Promise.all(
            codes
              .slice(first, first + 8)
              .map(async (code) => (await host.run(sh('exit "$1"', String(code)), short)).exitCode),
          )),
        );
      expect(found).toEqual(codes);
    });

    it('resolves with 128 + N after signal N', async () => {
      expect(await host.run(sh('kill -KILL $$'), short)).toMatchObject({ exitCode: 137 });
    });

    it('tells a program that could not be started from one that exits with 127 or 126', async () => {
      await expect(host.run(['runbook-no-such-program'], short)).rejects.toMatchObject({ type: 'NotRun' });
      await expect(host.run([folder], short)).rejects.toMatchObject({ type: 'NotRun' });
      expect(await host.run(sh('exit 127'), short)).toMatchObject({ exitCode: 127 });
      expect(await host.run(sh('exit 126'), short)).toMatchObject({ exitCode: 126 });
    });

    it('keeps stdout and stderr apart, unfinished lines included', async () => {
      const result = await host.run(sh('printf out; printf err >&2'), short);
      expect(result).toMatchObject({ stdout: 'out', stderr: 'err', exitCode: 0, truncated: false });
    });

    it('closes standard input', async () => {
      expect(await host.run(['cat'], short)).toMatchObject({ exitCode: 0, stdout: '' });
    });

    it('gives large input whole, and does not mind a program that does not read it', async () => {
      const input = '0123456789'.repeat(300_000);
      expect((await host.run(['wc', '-c'], { ...short, input })).stdout.trim()).toBe('3000000');
      expect(await host.run(['true'], { ...short, input })).toMatchObject({ exitCode: 0 });
    });

    it('adds environment variables as they are', async () => {
      const env = { RUNBOOK_A: `; $(x) 'q' "d"\n`, RUNBOOK_B: '' };
      expect((await host.run(sh('printf "%s|%s" "$RUNBOOK_A" "$RUNBOOK_B"'), { ...short, env })).stdout).toBe(
        `${env.RUNBOOK_A}|`,
      );
    });

    it('leaves out the middle of too much output, and says so', async () => {
      const script = 'echo first; i=0; while [ $i -lt 5000 ]; do echo 0123456789; i=$((i+1)); done; echo last';
      const result = await host.run(sh(script), { ...short, maxOutputBytes: 1000 });
      expect(result.truncated).toBe(true);
      expect(result.stdout).toMatch(/^first\n[\s\S]*\n… 54011 bytes left out …\n[\s\S]*\nlast\n$/);
      expect(result.stdout.length).toBeLessThan(1100);
    });

    it('hands over lines while the command runs', async () => {
      const seen: string[] = [];
      const fifo = `${folder}/lines`;
      // The command ends only when its first line has been handed over.
      const running = host.run(sh('mkfifo "$1"; echo one; echo two >&2; cat "$1"', fifo), {
        ...short,
        onLine: (line, stream) => seen.push(`${stream}: ${line}`),
      });
      await eventually('both lines', () => seen.length === 2);
      await host.run(sh('echo three >"$1"', fifo), short);
      await running;
      expect(seen.sort()).toEqual(['stderr: two', 'stdout: one', 'stdout: three']);
    });

    it('ends what a command left behind, and does not wait for it', async () => {
      const seconds = uniqueSeconds();
      expect(await host.run(sh('sleep "$1" & echo done', seconds), short)).toMatchObject({ stdout: 'done\n' });
      await eventually('no sleep is left', () => processesWith(seconds).length === 0);
    });

    it('does not wait for something that left the group and holds the output', async () => {
      const seconds = uniqueSeconds();
      const leave = `setsid sh -c 'echo left >"$2"; exec sleep "$1"' sh "$1" "$2" &`;
      const result = await host.run(sh(`mkfifo "$2"; ${leave} cat "$2"; echo done`, seconds, `${folder}/left`), short);
      expect(result).toMatchObject({ stdout: 'left\ndone\n', exitCode: 0 });
      expect(result.durationMs).toBeLessThan(4000);
      await eventually('the sleep that left is seen', () => processesWith(seconds).length === 1);
      for (const pid of processesWith(seconds)) process.kill(pid);
    });

    it.each([
      ['its children', 'echo part; sleep "$1" & sleep "$1"'],
      ['one that ignores SIGTERM', 'trap "" TERM; echo part; while :; do sleep "$1"; done'],
    ])('ends a command after its time-out, with %s', async (_, script) => {
      const seconds = uniqueSeconds();
      const timeoutMs = 3000;
      const start = performance.now();
      await expect(host.run(sh(script, seconds), { timeoutMs })).rejects.toMatchObject({
        type: 'TimedOut',
        output: expect.stringContaining('part') as unknown,
      });
      expect(performance.now() - start).toBeLessThan(timeoutMs + 2000 + 1500);
      await eventually('no sleep is left', () => processesWith(seconds).length === 0);
    });

    it('lets a command clean up when it is cancelled', async () => {
      const [seconds, abort] = [uniqueSeconds(), new AbortController()];
      const script = `trap 'echo cleaned; exit' TERM; sleep "$1" & wait`;
      const running = host.run(sh(script, seconds), { ...short, signal: abort.signal });
      const failed = expect(running).rejects.toMatchObject({
        type: 'Cancelled',
        output: expect.stringMatching(/cleaned/) as unknown,
      });
      await eventually('the command sleeps', () => isAsleep(seconds));
      abort.abort();
      await failed;
      await eventually('no sleep is left', () => processesWith(seconds).length === 0);
    });

    it('runs nothing when it was cancelled before', async () => {
      const path = `${folder}/never`;
      const running = host.run(['touch', path], { ...short, signal: AbortSignal.abort() });
      await expect(running).rejects.toMatchObject({ type: 'Cancelled' });
      expect(await host.run(['ls', path], short)).toMatchObject({ exitCode: 2 });
    });

    it('hides secrets in its errors', async () => {
      const running = host.run(sh('echo AGE-SECRET-KEY-1QQPQZRFR7ZZ2WCVX0T; sleep "$1"', uniqueSeconds()), {
        timeoutMs: 3000,
      });
      const error: unknown = await running.catch((reason: unknown) => reason);
      expect(error).toMatchObject({ output: '[redacted]\n' });
      expect(String(error)).not.toContain('QQPQZRFR7ZZ2WCVX0T');
    });

    it('puts a file with its mode, whole, and again', async () => {
      const path = `${folder}/a $(file)`;
      await host.putFile(path, 'old');
      expect((await host.run(['stat', '-c', '%a', path], short)).stdout).toBe('600\n');
      await host.putFile(path, Buffer.from([0, 255, 10, 39]), { mode: 0o755 });
      expect((await host.run(sh('stat -c %a "$1"; od -An -tx1 "$1"', path), short)).stdout).toBe('755\n 00 ff 0a 27\n');
    });

    it('removes the half of a file that one has left that was killed', async () => {
      const path = `${folder}/halves/file`;
      // No process ever has that number.
      await host.run(sh('mkdir "$1" && touch "$2.runbook-0123456789abcdef-4194305"', `${folder}/halves`, path), short);
      await Promise.all(['one', 'two', 'three', 'four'].map((text) => host.putFile(path, text.repeat(100_000))));
      expect((await host.run(['ls', `${folder}/halves`], short)).stdout).toBe('file\n');
    });

    it('says why a file could not be put, and leaves nothing', async () => {
      await host.run(['mkdir', `${folder}/dir`], short);
      await expect(host.putFile(`${folder}/dir`, 'x')).rejects.toThrow(`${folder}/dir is a directory`);
      await expect(host.putFile(`${folder}/none/x`, 'x')).rejects.toThrow('Could not write');
      expect((await host.run(['ls', `${folder}/dir`], short)).stdout).toBe('');
    });
  });
}
