import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { BackupsView } from '../../plan/backups-view.ts';
import type { CopyView, RunView } from '../../plan/run.ts';
import { referenceFleetFile } from '../../simulator/reference-fleet.ts';
import type { backups } from '../../workflows/backups.ts';
import { BACKUPS_WORKFLOW, TASK_QUEUE, workflowId } from '../../workflows/messages.ts';
import type { nightlyBackup } from '../../workflows/nightly-backup.ts';
import { aSimulatedFleet } from './a-simulated-fleet.ts';
import { viewOf } from './simulated-fleet.ts';
import { changingCommands } from './simulated-world.ts';

const TIMEOUT_MS = 240_000;
const PLACE = 'nuc-1 tank/replica';
const ALL = ['edge-data', 'home-data', 'metrics-data'];

const REPOSITORY = 'rest:http://backup.lan/edge';
const WITH_RESTIC = referenceFleetFile().replace(
  /^backups:\n/m,
  `backups:
  to-restic:
    guest: edge-vm
    to:
      - { type: restic, repository: ${REPOSITORY}, passwordFile: /etc/restic-password, paths: [/srv/data], keep: { last: 1 } }
`,
);

describe('nightly-backup over the simulated fleet', () => {
  const { env, simulation } = aSimulatedFleet();

  const begin = ({ backup, planOnly = false }: { backup?: string; planOnly?: boolean } = {}) =>
    env().client.workflow.start<typeof nightlyBackup>('nightlyBackup', {
      taskQueue: TASK_QUEUE,
      workflowId: workflowId('nightly-backup', backup ?? 'all'),
      args: [
        {
          ...{ fleet: { revision: simulation().revision() }, actor: 'tester', planOnly },
          ...(backup === undefined ? {} : { backup }),
        },
      ],
    });
  const backUp = async (options: Parameters<typeof begin>[0] = {}): Promise<RunView> => viewOf(await begin(options));
  const copiesOf = ({ copies }: RunView): CopyView[] =>
    (copies ?? []).toSorted((a, b) => (a.volume < b.volume ? -1 : 1));
  const stateOf = ({ steps }: RunView, id: string): string | undefined => steps.find((step) => step.id === id)?.state;
  const replica = (volume: string) => simulation().readState().machines['nuc-1']?.datasets[`tank/replica/${volume}`];
  const namesOn = (volume: string): string[] => Object.keys(replica(volume)?.snapshots ?? {});
  const bookmarksOf = (volume: string): string[] =>
    Object.values(simulation().readState().cluster.volumes).flatMap(({ name, dataset }) =>
      name === volume ? Object.keys(dataset?.bookmarks ?? {}) : [],
    );
  const resticSteps = ({ steps }: RunView): string[] =>
    steps.flatMap(({ id, state }) => (state === 'done' ? (/^restic-[0-9a-f]{8}-([a-z]+)/.exec(id)?.[1] ?? []) : []));
  const declareRestic = async ({ isThere = true } = {}): Promise<void> => {
    simulation().setFleetFile(WITH_RESTIC);
    const root = simulation().store.root('edge-vm');
    for (const [path, text] of [
      ['etc/restic-password', 'secret\n'],
      ['srv/data/page', 'before\n'],
    ] as const) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text, { mode: 0o600 });
    }
    await simulation().store.update((state) => {
      if (isThere) state.repositories = { [REPOSITORY]: { password: 'secret', snapshots: [], locks: [] } };
    });
  };
  const copied = (volume: string): unknown => ({
    ...{ volume, place: PLACE, outcome: 'copied', snapshots: 1, newestAt: expect.any(String) },
  });

  it(
    'brings every replica up to the snapshots that it makes, and again the next night',
    async () => {
      const first = await backUp();
      expect(first.result).toMatchObject({ outcome: 'Done', left: [] });
      expect(copiesOf(first)).toEqual(ALL.map(copied));
      const name = first.name.replace('runbook-', 'snapshot-backup-');
      for (const volume of ALL) expect(namesOn(volume)).toContain(name);
      const marks = bookmarksOf('edge-data');
      expect(marks).toHaveLength(1);

      const second = await backUp();
      expect(copiesOf(second)).toEqual(ALL.map(copied));
      expect(bookmarksOf('edge-data')).toHaveLength(1);
      expect(bookmarksOf('edge-data')).not.toEqual(marks);
      // The next transfer begins at what is held there, and nothing else is.
      const tags = Object.values(replica('edge-data')?.snapshots ?? {}).map(({ tags }) => tags?.length ?? 0);
      expect(tags.filter((number) => number > 0)).toEqual([1]);
    },
    TIMEOUT_MS,
  );

  it(
    'fails for a volume that nobody has any more, and copies all others',
    async () => {
      await simulation().store.update(({ cluster }) => {
        for (const [key, { name }] of Object.entries(cluster.volumes))
          if (name === 'home-data') Reflect.deleteProperty(cluster.volumes, key);
      });
      const { result, ...view } = await backUp();
      expect(copiesOf(view as RunView)).toMatchObject([
        copied('edge-data'),
        { volume: 'home-data', place: PLACE, outcome: 'failed', problem: { type: 'NothingSelected' } },
        copied('metrics-data'),
      ]);
      expect(result).toMatchObject({
        outcome: 'Failed',
        summary: `2 of 3 copies made. Missing: home-data at ${PLACE}.`,
        failure: { type: 'NothingSelected' },
      });
      // What its replica has stays.
      expect(namesOn('home-data')).toEqual(['snapshot-nightly']);
    },
    TIMEOUT_MS,
  );

  it(
    'copies one entry alone, and only says so when it is planned',
    async () => {
      const plan = await backUp({ backup: 'edge-data', planOnly: true });
      expect(plan.result).toMatchObject({ outcome: 'Done', summary: 'Nothing was changed.' });
      expect(plan.steps.filter(({ state }) => state === 'pending').map(({ title }) => title)).toEqual([
        'edge-data of edge-vm',
        `edge-data to ${PLACE}`,
        `replicas at ${PLACE}`,
      ]);
      expect(namesOn('edge-data')).toEqual(['snapshot-nightly']);
      const run = await backUp({ backup: 'edge-data' });
      expect(copiesOf(run)).toEqual([copied('edge-data')]);
      expect(namesOn('home-data')).toEqual(['snapshot-nightly']);
    },
    TIMEOUT_MS,
  );

  it(
    'fails the copy that has diverged by its name, touches nothing of it, and makes the others',
    async () => {
      const found = replica('home-data');
      expect(found).toBeDefined();
      await simulation().store.update(({ machines }) => {
        const dataset = machines['nuc-1']?.datasets['tank/replica/home-data'];
        if (dataset !== undefined)
          dataset.snapshots['by-hand'] = { creation: Math.floor(Date.now() / 1000), guid: '77' };
      });
      const run = await backUp();
      expect(run.result).toMatchObject({ outcome: 'Failed', failure: { type: 'Diverged' } });
      expect(copiesOf(run).map(({ volume, outcome }) => `${volume} ${outcome}`)).toEqual([
        'edge-data copied',
        'home-data failed',
        'metrics-data copied',
      ]);
      expect(namesOn('home-data').toSorted()).toEqual(['by-hand', 'snapshot-nightly']);
    },
    TIMEOUT_MS,
  );

  it(
    'makes no copy where a hook fails, and says which',
    async () => {
      simulation().setFleetFile(
        referenceFleetFile().replace(
          '    guest: edge-vm\n    volumes: [edge-data]',
          '    guest: edge-vm\n    hooks: { before: ["false"] }\n    volumes: [edge-data]',
        ),
      );
      const run = await backUp({ backup: 'edge-data' });
      expect(run.result).toMatchObject({ outcome: 'Failed', failure: { type: 'HookFailed' } });
      expect(stateOf(run, 'snapshot-edge-data')).toBe('failed');
      expect(namesOn('edge-data')).toEqual(['snapshot-nightly']);
    },
    TIMEOUT_MS,
  );

  it(
    'copies to a repository as well, looks after it, and does neither again on the same day',
    async () => {
      await declareRestic();
      const run = await backUp({ backup: 'to-restic' });
      expect(run.result).toMatchObject({ outcome: 'Done' });
      expect(copiesOf(run)).toMatchObject([
        { volume: '/srv/data of edge-vm', place: `restic ${REPOSITORY}`, outcome: 'copied' },
      ]);
      expect(resticSteps(run)).toEqual(['backup']);
      const all = await backUp();
      // The backup of this day is there; what a repository needs is done by a run of all entries.
      expect(resticSteps(all)).toEqual(['forget', 'prune', 'check']);
      expect(all.result).toMatchObject({ outcome: 'Done' });
      expect(resticSteps(await backUp())).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'fails the copy to a repository that is not there, forgets nothing in it, and makes the others',
    async () => {
      await declareRestic({ isThere: false });
      const run = await backUp();
      expect(run.result).toMatchObject({ outcome: 'Failed' });
      expect(copiesOf(run).map(({ outcome }) => outcome)).toEqual(['failed', 'copied', 'copied', 'copied']);
    },
    TIMEOUT_MS,
  );

  it(
    'says how old each copy is, also where the member is gone that it was taken from',
    async () => {
      const list = (): Promise<BackupsView> =>
        env().client.workflow.execute<typeof backups>(BACKUPS_WORKFLOW, {
          taskQueue: TASK_QUEUE,
          workflowId: `${BACKUPS_WORKFLOW}/test`,
          args: [{ fleet: { revision: simulation().revision() } }],
        });
      const seen = async (): Promise<string[]> =>
        (await list()).copies.map(({ of, outcome, newest }) => `${of} ${outcome} ${newest.type}`).toSorted();
      // Made four hours ago, and the bookmarks say so.
      expect(await seen()).toEqual(ALL.map((volume) => `${volume} fresh copy`));
      expect(changingCommands(simulation().journal())).toEqual([]);
      await simulation().power('elitedesk-2', 'off');
      expect(await seen()).toEqual(['edge-data fresh copy', 'home-data fresh copy', 'metrics-data failed copy']);
      await simulation().power('elitedesk-2', 'on');
      await simulation().power('nuc-1', 'off');
      expect((await seen()).every((line) => line.endsWith('failed unseen'))).toBe(true);
    },
    TIMEOUT_MS,
  );

  it(
    'takes snapshots also where no place answers, and copies them when one does',
    async () => {
      await simulation().power('nuc-1', 'off');
      const failed = await backUp();
      expect(failed.result).toMatchObject({ outcome: 'Failed', failure: { type: 'Unreachable' } });
      expect(failed.copies?.map(({ outcome }) => outcome)).toEqual(ALL.map(() => 'failed'));
      await simulation().power('nuc-1', 'on');
      const run = await backUp();
      expect(run.result).toMatchObject({ outcome: 'Done' });
      expect(run.copies?.map(({ snapshots }) => snapshots)).toEqual(ALL.map(() => 2));
    },
    TIMEOUT_MS,
  );
});
