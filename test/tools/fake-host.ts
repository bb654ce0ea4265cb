import { HostError, type Host, type HostErrorType, type RunOptions, type RunResult } from '../../hosts/host.ts';

export type Answer = Partial<Pick<RunResult, 'exitCode' | 'stdout' | 'stderr' | 'truncated'>> | HostError;

export interface FakeHost extends Host {
  /** Every command that was run, with its options. */
  readonly calls: readonly { argv: readonly string[]; options: RunOptions }[];
}

/** A host that decides by itself what to answer; undefined is a command that it was not told about. */
export function fakeHost(answer: (argv: readonly string[], options: RunOptions) => Answer | undefined): FakeHost {
  const calls: { argv: readonly string[]; options: RunOptions }[] = [];
  const unused = () => Promise.reject(new Error('The fake host has no jobs and no files.'));
  return {
    name: 'n1',
    calls,
    run: (argv, options) => {
      calls.push({ argv, options });
      const found = answer(argv, options);
      if (found === undefined)
        return Promise.reject(new Error(`The fake host was not told about ${JSON.stringify(argv)}`));
      if (found instanceof HostError) return Promise.reject(found);
      return Promise.resolve({ exitCode: 0, stdout: '', stderr: '', durationMs: 1, truncated: false, ...found });
    },
    putFile: unused,
    jobs: { start: unused, status: unused, stop: unused, remove: unused, list: unused },
    close: () => Promise.resolve(),
  };
}

/** A host that expects exactly these commands, in this order, and fails on anything else. */
export function scripted(...script: [argv: readonly string[], answer: Answer][]): FakeHost {
  let next = 0;
  return fakeHost((argv) => {
    const step = script[next];
    if (step === undefined || JSON.stringify(step[0]) !== JSON.stringify(argv)) return undefined;
    next += 1;
    return step[1];
  });
}

/** What `incus` and others do when they refuse. */
export function refusal(stderr: string, exitCode = 1): Answer {
  return { exitCode, stderr: `${stderr}\n` };
}

export function json(value: unknown): Answer {
  return { stdout: `${JSON.stringify(value, undefined, '\t')}\n` };
}

export function hostError(type: HostErrorType, message = `${type} for the test`): HostError {
  return new HostError(type, 'n1', message);
}
