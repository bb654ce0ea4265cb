import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { BackupsView } from '../../plan/backups-view.ts';
import type { CopyView, RunView } from '../../plan/run.ts';
import type { Dataset } from '../../simulator/core/state.ts';
import { referenceFleetFile } from '../../simulator/reference-fleet.ts';
import type { backups } from '../../workflows/backups.ts';
import { BACKUPS_WORKFLOW, PAUSE_UPDATE, TASK_QUEUE, workflowId } from '../../workflows/messages.ts';
import type { restoreDrill } from '../../workflows/restore-drill.ts';
import { eventually } from '../hosts/eventually.ts';
import { aSimulatedFleet } from './a-simulated-fleet.ts';
import { copiedTonight } from './copied-tonight.ts';
import { viewOf } from './simulated-fleet.ts';
import { changingCommands } from './simulated-world.ts';

const TIMEOUT_MS = 240_000;
const PLACE = 'nuc-1 tank/replica';

describe('restore-drill over the simulated fleet', () => {
  const { env, simulation } = aSimulatedFleet();

  beforeEach(() => copiedTonight(simulation()));

  const begin = ({ backup, planOnly = false }: { backup?: string; planOnly?: boolean } = {}) =>
    env().client.workflow.start<typeof restoreDrill>('restoreDrill', {
      taskQueue: TASK_QUEUE,
      workflowId: workflowId('restore-drill', backup ?? 'all'),
      args: [
        {
          ...{ fleet: { revision: simulation().revision() }, actor: 'tester', planOnly },
          ...(backup === undefined ? {} : { backup }),
        },
      ],
    });
  const drill = async (options: Parameters<typeof begin>[0] = {}): Promise<RunView> => viewOf(await begin(options));
  const outcomes = ({ copies = [] }: RunView): string[] =>
    copies.map(({ volume, outcome }) => `${volume} ${outcome}`).toSorted();
  const copyOf = ({ copies = [] }: RunView, volume: string): CopyView | undefined =>
    copies.find((copy) => copy.volume === volume);
  const change = (volume: string, how: (dataset: Dataset) => void): Promise<unknown> =>
    simulation().store.update(({ machines }) => {
      const dataset = machines['nuc-1']?.datasets[`tank/replica/${volume}`];
      if (dataset !== undefined) how(dataset);
    });
  const spoil = (volume: string): Promise<unknown> =>
    change(volume, ({ snapshots }) => {
      for (const snapshot of Object.values(snapshots)) snapshot.content = 'something else';
    });
  /** Datasets and folders of drills on members. */
  const left = (): string[] =>
    ['elitedesk-1', 'elitedesk-2'].flatMap((member) => {
      const { datasets = {} } = simulation().readState().machines[member] ?? {};
      const folder = join(simulation().store.root(member), 'var/lib/runbook/drill');
      const folders = (() => {
        try {
          return readdirSync(folder);
        } catch {
          return [];
        }
      })();
      return [...Object.keys(datasets).filter((name) => name.includes('runbook-drill/')), ...folders];
    });
  const list = (): Promise<BackupsView> =>
    env().client.workflow.execute<typeof backups>(BACKUPS_WORKFLOW, {
      taskQueue: TASK_QUEUE,
      workflowId: `${BACKUPS_WORKFLOW}/test`,
      args: [{ fleet: { revision: simulation().revision() } }],
    });
  const declare = (drillOf: string): void => {
    simulation().setFleetFile(
      referenceFleetFile().replace('    volumes: [edge-data]\n', `    volumes: [edge-data]\n    drill: ${drillOf}\n`),
    );
  };

  it(
    'restores, compares, removes and notes; the next one takes those that were never proven',
    async () => {
      expect((await list()).copies.map(({ proof }) => proof?.type)).toEqual(['never', 'never', 'never']);
      const first = await drill();
      expect(first.result).toMatchObject({ outcome: 'Done', left: [] });
      expect(outcomes(first)).toEqual(['edge-data proven', 'home-data proven']);
      expect(copyOf(first, 'edge-data')).toMatchObject({
        place: PLACE,
        detail: expect.stringMatching(
          /^all of 1 files and the names of 2; a real restore would take about /,
        ) as unknown,
      });
      expect(left()).toEqual([]);

      const second = await drill();
      expect(second.steps.filter(({ phase }) => phase === 'copy').map(({ title }) => title)).toEqual([
        `metrics-data from ${PLACE} to elitedesk-2`,
        `edge-data from ${PLACE} to elitedesk-1`,
      ]);
      const proofs = (await list()).copies.map(({ of, proof }) => `${of} ${proof?.type ?? ''}`);
      expect(proofs).toEqual(['edge-data proven', 'home-data proven', 'metrics-data proven']);
    },
    TIMEOUT_MS,
  );

  it(
    'changes nothing where it is only planned, and says why each has its turn',
    async () => {
      const plan = await drill({ backup: 'edge-data', planOnly: true });
      expect(plan.result).toMatchObject({ outcome: 'Done', summary: 'Nothing was changed.' });
      expect(plan.steps.find(({ phase }) => phase === 'copy')).toMatchObject({ detail: 'never proven' });
      expect(changingCommands(simulation().journal()).filter((command) => / zfs /.test(command))).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'finds a copy that is not what its source was, and its earlier proof is none any more',
    async () => {
      await drill({ backup: 'edge-data' });
      await spoil('edge-data');
      const run = await drill({ backup: 'edge-data' });
      expect(run.result).toMatchObject({
        outcome: 'Failed',
        failure: { type: 'Damaged', message: expect.stringContaining('content') as unknown },
      });
      expect(outcomes(run)).toEqual(['edge-data failed']);
      expect(left()).toEqual([]);
      expect((await list()).copies.find(({ of }) => of === 'edge-data')?.proof).toMatchObject({ type: 'failed' });
    },
    TIMEOUT_MS,
  );

  it(
    'runs the declared check over what was restored, which may write there',
    async () => {
      declare('{ check: [sh, -c, "cat $RUNBOOK_DRILL_PATH/content && echo more >>$RUNBOOK_DRILL_PATH/content"] }');
      const good = await drill({ backup: 'edge-data' });
      expect(copyOf(good, 'edge-data')).toMatchObject({
        outcome: 'proven',
        detail: expect.stringContaining(', and its check;') as unknown,
      });
      declare('{ check: [sh, -c, "echo no such table; exit 3"] }');
      const bad = await drill({ backup: 'edge-data' });
      expect(bad.result).toMatchObject({
        outcome: 'Failed',
        failure: { type: 'CheckFailed', message: 'The check of edge-data ended with 3: no such table' },
      });
      expect(left()).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'proves what can be proven, and says of the others why not',
    async () => {
      await change('edge-data', (dataset) => (dataset.key = 'unavailable'));
      await change('home-data', (dataset) => (dataset.type = 'volume'));
      const run = await drill();
      expect(run.result).toMatchObject({ outcome: 'Done' });
      expect(outcomes(run)).toEqual(['edge-data not provable', 'home-data not provable', 'metrics-data proven']);
      expect(copyOf(run, 'edge-data')?.problem?.message).toContain('encrypted');
    },
    TIMEOUT_MS,
  );

  it(
    'goes on where its transfer was cut off, without a time for what was not of one piece',
    async () => {
      await simulation().addFault({
        ...{ tool: '.zfs-sends', args: ' 2$', when: 'before', times: 1 },
        effect: { type: 'fail', exitCode: 1, stderr: 'broken' },
      });
      const run = await drill({ backup: 'edge-data' });
      expect(copyOf(run, 'edge-data')).toMatchObject({
        outcome: 'proven',
        detail: expect.stringContaining('was not measured') as unknown,
      });
      expect(left()).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'notes a copy that cannot be read, whatever an earlier drill has said of it',
    async () => {
      await drill({ backup: 'edge-data' });
      const stderr = "warning: cannot send 'tank/replica/edge-data@snapshot-nightly': Input/output error";
      await simulation().addFault({
        ...{ tool: '.zfs-sends', args: ' 2$', when: 'before', times: 9 },
        effect: { type: 'fail', exitCode: 1, stderr },
      });
      const run = await drill({ backup: 'edge-data' });
      expect(run.result).toMatchObject({ outcome: 'Failed', failure: { type: 'Unexpected' } });
      expect(left()).toEqual([]);
      expect((await list()).copies.find(({ of }) => of === 'edge-data')?.proof).toMatchObject({
        type: 'failed',
        words: expect.stringContaining('did not arrive') as unknown,
      });
    },
    TIMEOUT_MS,
  );

  it(
    'notes that a copy is wrong also where something stays behind',
    async () => {
      await drill({ backup: 'edge-data' });
      await spoil('edge-data');
      await simulation().addFault({
        ...{ tool: 'zfs', args: '^destroy ', when: 'before', times: 99 },
        effect: { type: 'fail', exitCode: 1, stderr: 'broken' },
      });
      const run = await drill({ backup: 'edge-data' });
      expect(run.warnings.join()).toContain('may be there still');
      expect(run.result).toMatchObject({ outcome: 'Failed', failure: { type: 'Damaged' } });
      expect((await list()).copies.find(({ of }) => of === 'edge-data')?.proof).toMatchObject({ type: 'failed' });
    },
    TIMEOUT_MS,
  );

  it(
    'is no proof of a replica that has come in the place of what was restored',
    async () => {
      const id = await simulation().addFault({
        ...{ tool: '.zfs-sends', args: ' 2$', when: 'before', times: 1, effect: { type: 'pause' } },
      });
      const handle = await begin({ backup: 'edge-data' });
      await eventually('it sends', () => Promise.resolve(simulation().isPaused(id)), 60_000);
      await change('edge-data', ({ snapshots }) => {
        for (const snapshot of Object.values(snapshots)) snapshot.createtxg = '987654321';
      });
      simulation().releasePause(id);
      expect((await viewOf(handle)).result).toMatchObject({ outcome: 'Failed', failure: { type: 'NotFound' } });
      expect((await list()).copies.find(({ of }) => of === 'edge-data')?.proof).toMatchObject({ type: 'never' });
    },
    TIMEOUT_MS,
  );

  it(
    'leaves nothing behind where it is cancelled, also while it is paused, and removes what can go of one before it',
    async () => {
      const id = await simulation().addFault({
        ...{ tool: '.zfs-sends', args: ' 2$', when: 'before', times: 1, effect: { type: 'pause' } },
      });
      await simulation().store.update(({ machines }) => {
        const { datasets = {} } = machines['elitedesk-1'] ?? {};
        datasets['zpool/runbook-drill'] = { snapshots: {}, readonly: true };
        datasets['zpool/runbook-drill/runbook-20261101-0000-abcd-x'] = { snapshots: { one: { creation: 1 } } };
        datasets['zpool/runbook-drill/runbook-20261101-0000-abcd-y'] = { snapshots: {} };
        datasets['zpool/runbook-drill/mine'] = { snapshots: {} };
      });
      await simulation().addFault({
        ...{ tool: 'zfs', args: '^destroy .*abcd-x', when: 'before', times: 99 },
        effect: { type: 'fail', exitCode: 1, stderr: 'broken' },
      });
      const handle = await begin({ backup: 'edge-data' });
      await eventually('it sends', () => Promise.resolve(simulation().isPaused(id)), 60_000);
      await handle.executeUpdate(PAUSE_UPDATE, { args: [{ actor: 'tester' }] });
      await handle.cancel();
      const run = await viewOf(handle);
      expect(run.result).toMatchObject({ outcome: 'Failed', failure: { type: 'Cancelled' } });
      expect(run.warnings.join()).toContain('What another drill has left could not be removed');
      expect(left()).toEqual(['zpool/runbook-drill/runbook-20261101-0000-abcd-x', 'zpool/runbook-drill/mine']);
    },
    TIMEOUT_MS,
  );
});
