import { chmodSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Reached, Reencrypted, ReencryptInput } from '../../activities/contract.ts';
import type { Deps } from '../../activities/deps.ts';
import { createDeps } from '../../activities/index.ts';
import { fleetFileAt, reencrypt } from '../../activities/reencrypt.ts';
import { takeBackSecrets } from '../../activities/take-back-secrets.ts';
import { commitMessage } from '../../plan/rotation.ts';
import { createSimulation, type Simulation } from '../../simulator/create.ts';
import { addSecrets, EDGE, FILES, git, GUEST, recipientsAt } from '../temporal/rotating.ts';

const RUN = 'runbook-20261128-0214-3f9c';
const NEXT = `age1${'q'.repeat(58)}`;
const TIMEOUT_MS = 240_000;
const { signal } = new AbortController();

/** Two workers, each with a clone of its own. What one of them has pushed the other has to find. */
describe('the branch that secrets are pushed to', () => {
  let dir: string;
  let simulation: Simulation;
  let remote: string;
  let base: string;
  let first: Deps;
  let second: Deps;
  const closing: (() => Promise<void>)[] = [];
  const worker = async (name: string, repo: string): Promise<Deps> => {
    const stateDir = join(dir, name);
    await mkdir(stateDir, { mode: 0o700 });
    const env = { PATH: `${simulation.binDir}:${process.env['PATH'] ?? ''}` };
    const { deps, close } = createDeps({ repo, stateDir, env });
    closing.push(close);
    return deps;
  };
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'runbook-branch-'));
    simulation = await createSimulation(join(dir, 'fleet'), { pace: 0 });
    remote = addSecrets(simulation);
    base = simulation.revision();
    const clone = join(dir, 'clone');
    git(dir, 'clone', '--quiet', remote, clone);
    first = await worker('first', simulation.repoDir);
    second = await worker('second', clone);
  }, TIMEOUT_MS);
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
    simulation.dispose();
    await rm(dir, { recursive: true, force: true });
  });

  const names = { name: RUN, guest: GUEST, old: EDGE, next: NEXT };
  const input = (): ReencryptInput => ({
    ...{ ...names, fleet: { revision: base }, base, phase: 'hand-over', paths: FILES },
    message: commitMessage('hand-over', names),
  });
  const handOver = (deps: Deps): Promise<Reencrypted> =>
    reencrypt(deps, input(), { signal, attempt: 1, report: () => undefined });
  const takeBack = (deps: Deps, made?: string): Promise<Reached> => {
    const known = made === undefined ? {} : { handOver: made };
    const message = commitMessage('back', names);
    return takeBackSecrets(deps, { ...input(), message, ...known }, signal);
  };
  const push = (...changes: string[]): void => {
    const other = join(dir, 'other');
    git(dir, 'clone', '--quiet', remote, other);
    git(other, ...changes);
    git(other, 'push', '--quiet', '--force', 'origin', 'HEAD:main');
  };
  const head = (): string => git(remote, 'rev-parse', 'main');

  it(
    'has one commit of a step, whichever worker comes to it again',
    async () => {
      const { revision, state } = await handOver(first);
      expect([state, head()]).toEqual(['done', revision]);
      expect(await handOver(second)).toEqual({ state: 'already', revision });
      expect(await handOver(second)).toEqual({ state: 'already', revision });
      expect(head()).toBe(revision);
      expect(recipientsAt(remote, 'main', FILES[0] ?? '')).toContain(NEXT);
    },
    TIMEOUT_MS,
  );

  it(
    'is given back by a worker that knows nothing of what was pushed, once',
    async () => {
      await handOver(first);
      expect(await takeBack(second)).toBe('done');
      expect(git(remote, 'diff', '--stat', base, 'main')).toBe('');
      for (const deps of [first, second]) expect(await takeBack(deps)).toBe('already');
      expect(git(remote, 'rev-list', '--count', `${base}..main`)).toBe('2');
    },
    TIMEOUT_MS,
  );

  it(
    'is left alone where nothing of the run is there',
    async () => {
      expect(await takeBack(first)).toBe('already');
      expect(head()).toBe(base);
    },
    TIMEOUT_MS,
  );

  it(
    'has the commit also where somebody has pushed on top of it, and is not given back over that',
    async () => {
      const { revision } = await handOver(first);
      push('commit', '--quiet', '--allow-empty', '--message', 'meanwhile');
      expect(await handOver(first)).toEqual({ state: 'already', revision });
      for (const [deps, known] of [
        [second, undefined],
        [first, revision],
      ] as const)
        await expect(takeBack(deps, known)).rejects.toMatchObject({
          type: 'BranchMoved',
          message: expect.stringContaining(`git revert ${revision.slice(0, 7)}`) as unknown,
        });
    },
    TIMEOUT_MS,
  );

  it(
    'is not taken for given back where the commit is there no more',
    async () => {
      const { revision } = await handOver(first);
      push('reset', '--quiet', '--hard', base);
      await expect(takeBack(second, revision)).rejects.toMatchObject({
        type: 'BranchMoved',
        message: expect.stringContaining(`does not have ${revision.slice(0, 7)} any more`) as unknown,
      });
    },
    TIMEOUT_MS,
  );

  it(
    'gives the fleet file of a commit that this worker has not seen before',
    async () => {
      const { revision } = await handOver(first);
      const { content } = await fleetFileAt(second, revision, signal);
      expect(content).toBe(`${git(remote, 'show', 'main:runbook.yaml')}\n`);
    },
    TIMEOUT_MS,
  );

  it(
    'is not tried for hours where a hook of the remote refuses',
    async () => {
      const hook = join(remote, 'hooks/pre-receive');
      writeFileSync(hook, '#!/bin/sh\necho "only by merge request"\nexit 1\n');
      chmodSync(hook, 0o755);
      await expect(handOver(first)).rejects.toMatchObject({
        ...{ type: 'PushRefused', nonRetryable: true },
        message: expect.stringContaining('only by merge request') as unknown,
      });
      expect(head()).toBe(base);
    },
    TIMEOUT_MS,
  );

  it(
    'has the commit that was pushed, also for a worker that has one of its own which never was',
    async () => {
      const hook = join(remote, 'hooks/pre-receive');
      writeFileSync(hook, '#!/bin/sh\nexit 1\n');
      chmodSync(hook, 0o755);
      await expect(handOver(first)).rejects.toMatchObject({ type: 'PushRefused' });
      await rm(hook);
      const { revision } = await handOver(second);
      expect(await handOver(first)).toEqual({ state: 'already', revision });
      expect(head()).toBe(revision);
    },
    TIMEOUT_MS,
  );

  it(
    'cannot be judged while the remote does not answer',
    async () => {
      await handOver(first);
      await rm(remote, { recursive: true });
      await expect(takeBack(second)).rejects.toMatchObject({ type: 'Unreachable', nonRetryable: false });
    },
    TIMEOUT_MS,
  );
});
