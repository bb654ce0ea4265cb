import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { WorkflowUpdateFailedError, type WorkflowHandle } from '@temporalio/client';
import type { Approval, Decision, RunView } from '../../plan/run.ts';
import { referenceFleetFile } from '../../simulator/reference-fleet.ts';
import { DECIDE_UPDATE, TASK_QUEUE, VIEW_QUERY, workflowId, type DecideArgs } from '../../workflows/messages.ts';
import type { releaseKept } from '../../workflows/release-kept.ts';
import { eventually } from '../hosts/eventually.ts';
import { aServer } from './a-simulated-fleet.ts';
import { startSimulatedFleet, startWorker, viewOf, type SimulatedFleet } from './simulated-fleet.ts';

const TIMEOUT_MS = 120_000;
const OLD = 'zpool/incus.old';
const STARTER = 'cleo@nas';
const ADA = 'ada@laptop';
const BOB = 'bob@desk';
const POLICY = `
  approvals:
    destructive: { people: 2, otherThanStarter: true }
`;

type Handle = WorkflowHandle<typeof releaseKept>;

describe('a question that two people have to say yes to', () => {
  const env = aServer();
  let fleet: SimulatedFleet;
  let stopWorker: (() => Promise<void>) | undefined;
  beforeEach(async () => {
    fleet = await startSimulatedFleet(env(), { worker: false, fleetFile: referenceFleetFile() + POLICY });
    await fleet.simulation.store.update(({ machines }) => {
      const properties = { 'runbook:kept': 'runbook-20261127-0214-3f9c', 'runbook:kept-from': 'zpool/incus' };
      Object.assign(machines['nuc-1']?.datasets ?? {}, { [OLD]: { snapshots: {}, properties } });
    });
    stopWorker = await startWorker(env(), fleet.simulation, fleet.stateDir);
  }, 60_000);
  afterEach(async () => {
    await stopWorker?.();
    await fleet.dispose();
  }, 60_000);

  const release = (actor = STARTER, revision = fleet.simulation.revision()): Promise<Handle> =>
    env().client.workflow.start<typeof releaseKept>('releaseKept', {
      taskQueue: TASK_QUEUE,
      workflowId: workflowId('release-kept', 'nuc-1'),
      args: [{ fleet: { revision }, actor, member: 'nuc-1', name: OLD }],
    });
  const asked = async (handle: Handle): Promise<Approval> => {
    let approval: Approval | undefined;
    const asks = async () => (({ approval } = await handle.query<RunView>(VIEW_QUERY)), approval !== undefined);
    await eventually('it asks', asks, 60_000);
    return approval as Approval;
  };
  const decide = (handle: Handle, args: Partial<DecideArgs>): Promise<Decision> =>
    handle.executeUpdate<Decision, [Partial<DecideArgs>]>(DECIDE_UPDATE, {
      args: [{ approved: true, reason: 'nobody needs it', name: OLD, ...args }],
    });
  const refused = async (answer: Promise<unknown>): Promise<string> => {
    const error: unknown = await answer.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    return error instanceof WorkflowUpdateFailedError ? (error.cause?.message ?? '') : `not refused: ${String(error)}`;
  };
  const isThere = (): boolean => OLD in (fleet.simulation.readState().machines['nuc-1']?.datasets ?? {});

  it(
    'waits for the second of them, also over a restart of the worker, and counts nobody who does not count',
    async () => {
      fleet.simulation.setSpec('edge-vm', { version: '26.05.2' });
      expect((await fleet.upgrade('edge-vm', { actor: ADA, planOnly: true })).needs).toEqual({ people: 2, notBy: ADA });
      const handle = await release();
      expect(await asked(handle)).toMatchObject({ destructive: true, needs: { people: 2, notBy: STARTER } });
      // What is weaker by now changes nothing.
      fleet.simulation.setFleetFile(referenceFleetFile());
      expect(await refused(decide(handle, { actor: STARTER }))).toContain(`${STARTER} started it`);
      expect(await refused(decide(handle, {}))).toContain('got none');
      expect(await refused(decide(handle, { actor: 'unknown@5f3a' }))).toContain('a person with a name');
      expect(await decide(handle, { actor: ADA })).toMatchObject({ count: { yes: 1, of: 2 } });
      await stopWorker?.();
      stopWorker = await startWorker(env(), fleet.simulation, fleet.stateDir);
      expect(await asked(handle)).toMatchObject({ approvedBy: [ADA] });
      expect(await refused(decide(handle, { actor: 'ada@nas' }))).toContain(`${ADA} has said yes already`);
      expect(isThere()).toBe(true);
      // Both in one go: one of them completes it.
      const both = await Promise.allSettled([decide(handle, { actor: BOB }), decide(handle, { actor: 'bob@nas' })]);
      expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      const { result, decisions } = await viewOf(handle);
      expect(result).toMatchObject({ outcome: 'Done' });
      expect(decisions.map(({ count }) => count?.yes)).toEqual([1, 2]);
      expect(isThere()).toBe(false);
    },
    TIMEOUT_MS,
  );

  it(
    'is not spared that by a run of a commit that has no such rule yet',
    async () => {
      fleet.simulation.setFleetFile(referenceFleetFile());
      const older = fleet.simulation.revision();
      fleet.simulation.setFleetFile(referenceFleetFile() + POLICY);
      expect(fleet.simulation.revision()).not.toBe(older);
      const handle = await release(STARTER, older);
      expect(await asked(handle)).toMatchObject({ needs: { people: 2, notBy: STARTER } });
      expect(await decide(handle, { actor: ADA })).toMatchObject({ count: { yes: 1, of: 2 } });
      await handle.cancel();
      expect((await viewOf(handle)).result).toMatchObject({ unchanged: true });
      expect(isThere()).toBe(true);
    },
    TIMEOUT_MS,
  );

  it(
    'is answered by one no, by nobody in time, and by a cancel, with one yes given; nothing is lost',
    async () => {
      const rejected = await release();
      await asked(rejected);
      await decide(rejected, { actor: ADA });
      await rejected.executeUpdate(DECIDE_UPDATE, { args: [{ approved: false, actor: BOB, reason: 'wait' }] });
      expect((await viewOf(rejected)).result).toMatchObject({ unchanged: true, failure: { type: 'NotApproved' } });

      const cancelled = await release();
      await asked(cancelled);
      await decide(cancelled, { actor: ADA });
      await cancelled.cancel();
      expect((await viewOf(cancelled)).result).toMatchObject({ unchanged: true, failure: { type: 'Cancelled' } });

      const impatient = referenceFleetFile().replace(
        '    reboot: automatic',
        '    approvalTimeout: 3s\n    reboot: automatic',
      );
      fleet.simulation.setFleetFile(impatient + POLICY);
      const expired = await release();
      await asked(expired);
      await decide(expired, { actor: ADA });
      const { result, decisions } = await viewOf(expired);
      expect(result).toMatchObject({ unchanged: true, failure: { type: 'NotApproved' } });
      expect(decisions.at(-1)).toMatchObject({ approved: false, actor: 'nobody' });
      expect(isThere()).toBe(true);
    },
    TIMEOUT_MS,
  );
});
