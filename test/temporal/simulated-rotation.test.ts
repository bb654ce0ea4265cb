import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import type { RunView } from '../../plan/run.ts';
import type { Simulation } from '../../simulator/create.ts';
import { DECIDE_UPDATE, TASK_QUEUE, VIEW_QUERY, workflowId } from '../../workflows/messages.ts';
import type { rotateKeys } from '../../workflows/rotate-keys.ts';
import { eventually } from '../hosts/eventually.ts';
import { aServer } from './a-simulated-fleet.ts';
import {
  addSecrets,
  CANARY,
  EDGE,
  FILES,
  git,
  GUEST,
  HOME,
  KEY_FILE,
  keysInGuest,
  OPERATOR,
  recipientsAt,
} from './rotating.ts';
import { startSimulatedFleet, viewOf, type SimulatedFleet } from './simulated-fleet.ts';

const TIMEOUT_MS = 240_000;

describe('rotate-keys over the simulated fleet', () => {
  const env = aServer();
  let fleet: SimulatedFleet;
  let simulation: Simulation;
  let remote: string;
  let base: string;
  const begin = (options: Parameters<typeof addSecrets>[1] = {}): void => {
    remote = addSecrets(simulation, options);
    base = simulation.revision();
  };
  beforeEach(async () => {
    fleet = await startSimulatedFleet(env());
    ({ simulation } = fleet);
  }, 60_000);
  afterEach(async () => {
    const unknown = simulation.unknown();
    await fleet.dispose();
    expect(unknown).toEqual([]);
  }, 60_000);

  const start = (planOnly = false): Promise<WorkflowHandle<typeof rotateKeys>> =>
    env().client.workflow.start<typeof rotateKeys>('rotateKeys', {
      taskQueue: TASK_QUEUE,
      workflowId: workflowId('rotate-keys', GUEST),
      args: [{ fleet: { revision: simulation.revision() }, actor: 'tester', planOnly, guest: GUEST }],
    });
  const decide = async (handle: WorkflowHandle, approved = true): Promise<void> => {
    await eventually(
      'it asks',
      async () => (await handle.query<RunView>(VIEW_QUERY)).approval?.id === 'rotate',
      120_000,
    );
    await handle.executeUpdate(DECIDE_UPDATE, { args: [{ approved, actor: 'ada', reason: 'test' }] });
  };
  const rotate = async (): Promise<{ view: RunView; handle: WorkflowHandle }> => {
    const handle = await start();
    await decide(handle);
    return { view: await viewOf(handle), handle };
  };
  const head = (): string => git(remote, 'rev-parse', 'main');
  const filesOfKeys = (): string[] => readdirSync(dirname(join(simulation.store.root(GUEST), KEY_FILE)));
  /** As it was before anything began. */
  const expectUntouched = (): void => {
    expect(keysInGuest(simulation)).toEqual([EDGE]);
    expect(filesOfKeys()).toEqual(['key.txt']);
    expect(git(simulation.repoDir, 'for-each-ref', 'refs/runbook')).toBe('');
    for (const path of FILES) expect(recipientsAt(remote, 'main', path)).toContain(EDGE);
  };

  it(
    'gives the guest another key, takes the old one out everywhere, and tells what it could have read',
    async () => {
      begin();
      const { view, handle } = await rotate();
      expect(view.result).toMatchObject({ outcome: 'Done' });
      const [next = '', ...more] = keysInGuest(simulation);
      expect([more, filesOfKeys()]).toEqual([[], ['key.txt']]);
      expect(next).not.toBe(EDGE);
      for (const path of FILES) {
        expect(recipientsAt(remote, 'main~1', path)).toEqual(expect.arrayContaining([EDGE, next]));
        expect(recipientsAt(remote, 'main', path)).toEqual(expect.arrayContaining([OPERATOR, next]));
        expect(recipientsAt(remote, 'main', path)).not.toContain(EDGE);
      }
      expect(git(remote, 'diff', '--name-only', base, 'main').split('\n')).toEqual([...FILES, 'secrets/sops.yaml']);
      expect(git(remote, 'show', 'main:secrets/sops.yaml')).toBe(
        git(remote, 'show', `${base}:secrets/sops.yaml`).replaceAll(EDGE, next),
      );
      expect(git(remote, 'log', '-1', '--format=%B', 'main')).toContain(
        `Made by ${view.name} (rotate-keys).\nold: ${EDGE}\nnew: ${next}`,
      );
      const left = view.result?.left.join('\n') ?? '';
      expect(left).toContain('secrets/edge.enc.yaml: caddy.token, other');
      expect(left).toContain('home-vm read the same files');
      // Nothing of a value or a private key is anywhere but in the guest and with the operator.
      const history = JSON.stringify(await handle.fetchHistory());
      const decoded = Buffer.from(history.match(/[A-Za-z0-9+/=]{40,}/g)?.join('') ?? '', 'base64').toString();
      const all = [history, decoded, JSON.stringify(view), JSON.stringify(simulation.journal())].join('\n');
      expect(all).not.toContain(CANARY);
      expect(all).not.toContain('AGE-SECRET-KEY');
      expect(existsSync(join(fleet.stateDir, 'secrets', view.name))).toBe(false);
    },
    TIMEOUT_MS,
  );

  it(
    'says what it would do, and changes nothing; a no changes nothing either',
    async () => {
      begin();
      const plan = await viewOf(await start(true));
      expect(plan.result).toMatchObject({ outcome: 'Done', summary: 'Nothing was changed.' });
      expect(plan.steps.filter(({ state }) => state === 'pending').map(({ id }) => id)).toEqual([
        ...['make-key', 'hand-over', 'build-hand-over', 'deploy-hand-over', 'verify-hand-over'],
        ...['cut', 'build-cut', 'deploy-cut', 'verify-cut', 'retire-key'],
      ]);
      expect(plan.result?.left.join()).toContain('secrets/shared.enc.yaml: caddy.token, other');
      const handle = await start();
      await decide(handle, false);
      expect((await viewOf(handle)).result).toMatchObject({ unchanged: true, failure: { type: 'NotApproved' } });
      expectUntouched();
      expect(head()).toBe(base);
    },
    TIMEOUT_MS,
  );

  it(
    'refuses where a file cannot be decrypted, the clone is not clean, or the branch is elsewhere, all at once',
    async () => {
      begin({ operatorKey: HOME });
      git(simulation.repoDir, 'commit', '--quiet', '--allow-empty', '--message', 'not pushed');
      const { result } = await viewOf(await start());
      expect(result).toMatchObject({ outcome: 'Failed', unchanged: true, failure: { type: 'GateRefused' } });
      expect(result?.failure?.message).toContain('secrets/edge.enc.yaml cannot be encrypted anew');
      expect(result?.failure?.message).not.toContain('shared');
      expect(result?.failure?.message).toContain('origin/main is at');
      expectUntouched();
    },
    TIMEOUT_MS,
  );

  it(
    'gives everything back where the new system does not come up',
    async () => {
      begin();
      const handle = await start();
      await simulation.addFault({
        ...{ machine: GUEST, tool: 'age', args: 'new' },
        effect: { type: 'fail', exitCode: 1, stderr: 'age: error: no identity matched any of the recipients' },
      });
      await decide(handle);
      const { result } = await viewOf(handle);
      expect(result).toMatchObject({ outcome: 'RolledBack', failure: { type: 'NotReencrypted' } });
      expectUntouched();
      expect(git(remote, 'diff', '--stat', base, 'main')).toBe('');
      expect(git(remote, 'rev-list', '--count', `${base}..main`)).toBe('2');
      // And it can be started again.
      await simulation.clearFaults();
      git(simulation.repoDir, 'pull', '--quiet', '--ff-only', 'origin', 'main');
      expect((await rotate()).view.result?.outcome).toBe('Done');
    },
    TIMEOUT_MS,
  );

  it(
    'keeps both keys, and says what to revert, where somebody has pushed meanwhile',
    async () => {
      begin();
      const fault = await simulation.addFault({ tool: 'sops', args: 'rotate', times: 1, effect: { type: 'pause' } });
      const handle = await start();
      await decide(handle);
      await eventually('it cuts', () => simulation.isPaused(fault), 120_000);
      const other = join(simulation.dir, 'other');
      git(simulation.dir, 'clone', '--quiet', remote, other);
      git(other, 'commit', '--quiet', '--allow-empty', '--message', 'meanwhile');
      git(other, 'push', '--quiet', 'origin', 'HEAD:main');
      simulation.releasePause(fault);
      const { result } = await viewOf(handle);
      expect(result).toMatchObject({ outcome: 'Failed', failure: { type: 'BranchMoved' } });
      // What is committed is for both keys, so both stay.
      expect(keysInGuest(simulation)).toEqual([EDGE, expect.stringMatching(/^age1/)]);
      expect(result?.left.join()).toMatch(/origin\/main has commits on top of [0-9a-f]{7}: git revert/);
    },
    TIMEOUT_MS,
  );

  it(
    'gives everything back where it is cancelled before the cut',
    async () => {
      begin();
      const fault = await simulation.addFault({
        tool: 'git',
        args: 'push --quiet -- ',
        times: 1,
        when: 'after',
        effect: { type: 'pause' },
      });
      const handle = await start();
      await decide(handle);
      await eventually('it has pushed', () => simulation.isPaused(fault), 120_000);
      await handle.cancel();
      const { result } = await viewOf(handle);
      expect(result).toMatchObject({ outcome: 'RolledBack', failure: { type: 'Cancelled' } });
      expectUntouched();
      expect(git(remote, 'diff', '--stat', base, 'main')).toBe('');
    },
    TIMEOUT_MS,
  );

  it(
    'leaves its commits on a branch of the clone where nothing is declared to be pushed to, and says that they have to be merged',
    async () => {
      begin({ push: false });
      const { view } = await rotate();
      expect(view.result).toMatchObject({ outcome: 'Done' });
      expect(view.result?.next[0]?.command).toBe(`git merge --ff-only runbook/${view.name}`);
      expect(head()).toBe(base);
      git(simulation.repoDir, 'merge', '--quiet', '--ff-only', `runbook/${view.name}`);
      const [next = ''] = keysInGuest(simulation);
      expect(readFileSync(join(simulation.repoDir, FILES[0] ?? ''), 'utf8')).toContain(next);
    },
    TIMEOUT_MS,
  );
});
