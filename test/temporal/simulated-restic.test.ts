import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createActivities } from '../../activities/index.ts';
import type { Activities } from '../../activities/contract.ts';
import { planRestic, type ResticBackupResult } from '../../plan/restic.ts';
import { createSimulation, type Simulation } from '../../simulator/create.ts';
import { referenceFleetFile } from '../../simulator/reference-fleet.ts';
import type { Repository } from '../../simulator/core/state.ts';
import { assertCovered } from '../contract/uncovered.ts';

const TIMEOUT_MS = 120_000;
const GUEST = 'rest:http://backup.lan/edge';
const MEMBER = 'rest:http://backup.lan/volumes';
const FLEET = referenceFleetFile().replace(
  /^backups:\n/m,
  `backups:
  to-restic:
    guest: edge-vm
    volumes: [edge-data]
    to:
      - type: restic
        repository: ${GUEST}
        passwordFile: /etc/restic-password
        environmentFile: /etc/restic-environment
        paths: [/srv/data]
        keep: { last: 1 }
      - { type: restic, repository: ${MEMBER}, passwordFile: /etc/restic-password, from: member }
`,
);

describe('restic over the simulated fleet', () => {
  let dir: string;
  let simulation: Simulation;
  let activities: Activities;
  let close: () => Promise<void>;
  let runs = 0;

  const put = (machine: string, path: string, text: string, mode = 0o600): void => {
    const at = join(simulation.store.root(machine), path);
    mkdirSync(dirname(at), { recursive: true });
    writeFileSync(at, text, { mode });
  };
  const repository = (change: Partial<Repository> = {}, address = GUEST): Promise<unknown> =>
    simulation.store.update((state) => {
      state.repositories ??= {};
      const known = state.repositories[address] ?? { password: 'secret', snapshots: [], locks: [] };
      state.repositories[address] = { ...known, ...change };
    });
  const snapshots = (address = GUEST) => simulation.readState().repositories?.[address]?.snapshots ?? [];
  const act = <T>(work: () => Promise<T>): Promise<T> => new MockActivityEnvironment().run(work);
  const aRun = () => ({
    fleet: { revision: simulation.revision() },
    name: `runbook-20261128-0214-${String(0x1000 + (runs += 1)).slice(-4)}`,
  });
  /** restic's snapshots have whole seconds: of two in one second none is the newer. Each backup is a minute younger than the last. */
  const at = (minutesAgo = 0): string => new Date(Date.now() - minutesAgo * 60_000).toISOString();
  const scopeOf = async (address: string) => {
    const scope = await act(() => activities.resolveRestic(aRun()));
    const found = scope.repositories.find((each) => each.repository === address);
    if (found === undefined) throw new Error(`no repository ${address}`);
    return { scope, id: found.id, source: found.sources[0]?.id ?? '' };
  };
  const backUp = async (ref = aRun(), address = GUEST, snapshot?: string): Promise<ResticBackupResult> => {
    const { id, source } = await scopeOf(address);
    const input = {
      ...ref,
      repository: id,
      source,
      at: at(60 - runs),
      ...(snapshot === undefined ? {} : { snapshot }),
    };
    return act(() => activities.backUpToRestic(input));
  };
  const maintain = async (type: 'forget' | 'prune' | 'check') => {
    const { id, source } = await scopeOf(GUEST);
    const step = type === 'forget' ? { type, source } : type === 'prune' ? { type } : { type, subset: 1, of: 30 };
    return act(() => activities.maintainRestic({ ...aRun(), repository: id, step }));
  };
  const due = async (): Promise<string[]> => {
    const { scope, id } = await scopeOf(GUEST);
    const plans = planRestic(scope, await act(() => activities.observeRestic(aRun())), at());
    return plans.find((plan) => plan.id === id)?.steps.map(({ type }) => type) ?? [];
  };

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'runbook-sim-'));
    simulation = await createSimulation(join(dir, 'fleet'), { pace: 0, fleetFile: FLEET });
    const env = { PATH: `${simulation.binDir}:${process.env['PATH'] ?? ''}` };
    mkdirSync(join(dir, 'worker'));
    ({ activities, close } = createActivities({ repo: simulation.repoDir, stateDir: join(dir, 'worker'), env }));
    for (const machine of ['edge-vm', 'elitedesk-1']) put(machine, 'etc/restic-password', 'secret\n');
    put('edge-vm', 'etc/restic-environment', '# the server\nRESTIC_REST_PASSWORD="it is"\n');
    put('edge-vm', 'srv/data/page', 'before\n');
    await repository();
    await repository({}, MEMBER);
  }, 60_000);
  afterEach(async () => {
    await close();
    const [journal, unknown] = [simulation.journal(), simulation.unknown()];
    simulation.dispose();
    rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
    expect(unknown).toEqual([]);
    assertCovered(journal.filter(({ tool }) => tool !== 'mount'));
  }, 60_000);

  it(
    'makes a snapshot a run, forgets all but what is kept, and restores',
    async () => {
      expect(await due()).toEqual(['backup', 'forget', 'prune', 'check']);
      const first = aRun();
      const made = await backUp(first);
      expect(made).toMatchObject({ type: 'complete', files: 1 });
      expect(await backUp(first)).toEqual(made);
      expect(snapshots()).toHaveLength(1);
      expect(snapshots()[0]).toMatchObject({
        hostname: 'edge-vm',
        tags: ['runbook', first.name],
        paths: ['/srv/data'],
      });
      await backUp();
      for (const type of ['forget', 'prune', 'check'] as const) expect(await maintain(type)).toEqual({ type: 'done' });
      expect(snapshots()).toHaveLength(1);
      expect(await due()).toEqual([]);
      const { id, source } = await scopeOf(GUEST);
      const what = { snapshot: snapshots()[0]?.id ?? '', path: '/srv/data', target: '/srv/restored' };
      await act(() => activities.restoreFromRestic({ ...aRun(), repository: id, source, ...what }));
      const restored = join(simulation.store.root('edge-vm'), 'srv/restored/page');
      expect(readFileSync(restored, 'utf8')).toBe('before\n');
    },
    TIMEOUT_MS,
  );

  it(
    'takes away a lock that nobody has any more, and waits for nobody else',
    async () => {
      await backUp();
      await repository({ locks: [{ id: 'a'.repeat(64), exclusive: false, dead: true }] });
      expect(await maintain('prune')).toEqual({ type: 'done' });
      await repository({ locks: [{ id: 'b'.repeat(64), exclusive: false, dead: false }] });
      expect(await maintain('forget')).toMatchObject({
        type: 'locked',
        message: expect.stringContaining('already locked'),
      });
      expect(await backUp()).toMatchObject({ type: 'complete' });
      await repository({ locks: [{ id: 'c'.repeat(64), exclusive: true, dead: false }] });
      expect(await backUp()).toMatchObject({ type: 'locked' });
    },
    TIMEOUT_MS,
  );

  it(
    'is not taken in by what is not whole, not allowed or damaged',
    async () => {
      put('edge-vm', 'srv/data/locked', 'no', 0o000);
      expect(await backUp()).toMatchObject({
        type: 'incomplete',
        message: expect.stringContaining('/srv/data/locked'),
      });
      expect(await due()).toContain('backup');
      rmSync(join(simulation.store.root('edge-vm'), 'srv/data/locked'));
      await backUp();
      await repository({ appendOnly: true });
      expect(await maintain('forget')).toMatchObject({ type: 'refused' });
      await repository({ damage: 'pack d7d9a4e6 is damaged' });
      expect(await maintain('check')).toMatchObject({ type: 'damaged', message: expect.stringContaining('d7d9a4e6') });
      expect(await due()).toEqual(['check']);
      await repository({ password: 'another' });
      expect(await backUp()).toMatchObject({ type: 'failed', message: expect.stringContaining('wrong password') });
      rmSync(join(simulation.store.root('edge-vm'), 'etc/restic-environment'));
      expect(await backUp()).toMatchObject({ type: 'failed', message: expect.stringContaining('cannot be read') });
    },
    TIMEOUT_MS,
  );

  it(
    'lets an upgrade take only a complete snapshot for a backup',
    async () => {
      const newest = async () => {
        const ref = aRun();
        const scope = await act(() => activities.resolveScope({ ...ref, node: 'edge-vm' }));
        const { backups } = await act(() => activities.observeUpgrade({ run: ref, scope }));
        return backups.find(({ target }) => target === `restic ${GUEST}`);
      };
      expect(await newest()).toMatchObject({ problem: 'the repository has no snapshot' });
      put('edge-vm', 'srv/data/locked', 'no', 0o000);
      expect(await backUp()).toMatchObject({ type: 'incomplete' });
      expect(await newest()).toMatchObject({ problem: 'no snapshot in the repository is complete' });
      rmSync(join(simulation.store.root('edge-vm'), 'srv/data/locked'));
      await backUp();
      expect((await newest())?.newestAt).toBeDefined();
    },
    TIMEOUT_MS,
  );

  it(
    'reads a volume’s snapshot on its member, at a place that is always the same',
    async () => {
      const ref = aRun();
      const volume = { pool: 'zpool', project: 'default', volume: 'edge-data', member: 'elitedesk-1' };
      const expiresAt = new Date(Date.now() + 86_400_000).toISOString();
      await act(() => activities.snapshotVolume({ ...ref, ...volume, snapshot: ref.name, expiresAt }));
      expect(await backUp(ref, MEMBER, ref.name)).toMatchObject({ type: 'complete' });
      expect(snapshots(MEMBER)[0]?.paths).toEqual(['/run/runbook/restic/default_edge-data']);
    },
    TIMEOUT_MS,
  );
});
