import { describe, expect, it } from '@jest/globals';
import { changeSteps, countsOf, detailOf, namesNeeded, PROTECTED_TYPES, type InfraScope } from '../../plan/infra.ts';
import { interruptionOf, isLeftBy } from '../../plan/infra-lock.ts';
import { redact } from '../../hosts/redact.ts';
import { canonicalPlan, readPlan as readPlanMasked, type PlanJson } from '../../plan/infra-plan.ts';

type Resource = PlanJson['resource_changes'][number];

const resource = (change: Partial<Resource['change']>, more: Partial<Omit<Resource, 'change'>> = {}): Resource => ({
  ...{ address: 'incus_instance.edge', mode: 'managed', type: 'incus_instance' },
  ...more,
  change: { actions: ['update'], before: {}, after: {}, ...change },
});
const plan = (...resources: Resource[]): PlanJson => ({
  ...{ resource_changes: resources, resource_drift: [], output_changes: {} },
});
const readPlan = (found: PlanJson): ReturnType<typeof readPlanMasked> => readPlanMasked(found, redact);
const SCOPE: InfraScope = {
  ...{ node: 'nuc-1', program: 'terraform', folder: 'infra/incus/nuc-1' },
  ...{ protect: ['incus_instance'], approvalTimeout: '1h', remindEvery: '1h' },
};
const STATE = { serial: 3, lineage: 'a' };

describe('what a person is told of a plan', () => {
  it.each([
    [['create'], 'create'],
    [['update'], 'update'],
    [['delete', 'create'], 'replace'],
    [['create', 'delete'], 'replace'],
    [['delete'], 'delete'],
    [['forget'], 'forget'],
  ])('%j is to %s', (actions, action) => {
    expect(readPlan(plan(resource({ actions }))).changes).toMatchObject([{ action }]);
  });

  it.each([[['no-op']], [['read']]])('%j is nothing', (actions) => {
    expect(readPlan(plan(resource({ actions })))).toMatchObject({ changes: [], lost: [] });
  });

  it('has what comes into the state or moves in it, which Terraform says is no change and applies', () => {
    const moved = resource({ actions: ['no-op'] }, { previous_address: 'incus_instance.old' });
    const imported = resource({ actions: ['no-op'], importing: { id: 'x' } }, { address: 'incus_instance.home' });
    const { changes } = readPlan(plan(moved, imported));
    expect(changes.map((change) => `${change.action} ${change.address}: ${detailOf(change)}`)).toEqual([
      'move incus_instance.edge: it was incus_instance.old',
      'import incus_instance.home: it is there already, and comes into the state',
    ]);
  });

  it('has what differs only, with what forces a replacement first, and why', () => {
    const { changes } = readPlan(
      plan(
        resource(
          {
            actions: ['delete', 'create'],
            before: { cpu: 1, image: 'a', same: true, config: { x: 'y', z: 1 } },
            after: { cpu: 2, image: 'b', same: true, config: { x: 'y', z: 2 } },
            after_unknown: { status: true },
            replace_paths: [['image']],
          },
          { action_reason: 'replace_because_cannot_update' },
        ),
      ),
    );
    expect(changes.map(detailOf)).toEqual([
      'it cannot be changed in place: image "a" → "b" (forces it), cpu 1 → 2, config.z 1 → 2, status known after apply',
    ]);
  });

  it('never has a value that is sensitive, by its mark or by its name, nor what is in a text of several lines', () => {
    const marked = resource({
      before: { input: 'hunter1', nested: { deep: 'hunter1' }, list: ['hunter1', 'a'] },
      after: {
        ...{ input: 'hunter2', nested: { deep: 'hunter2' }, list: ['hunter2', 'b'] },
        ...{ config: { 'user.password': 'hunter2', 'cloud-init.user-data': 'x: 1\nkey: hunter2\n' } },
      },
      before_sensitive: { input: true, nested: { deep: true }, list: [true] },
      after_sensitive: { input: true, nested: true, list: [true] },
    });
    const read = readPlan(plan(marked));
    expect(JSON.stringify(read)).not.toContain('hunter');
    expect(read.changes.map(detailOf)).toEqual([
      'input (sensitive), nested.deep (sensitive), list.0 (sensitive), list.1 "a" → "b", nested (sensitive), config.user.password (sensitive), config.cloud-init.user-data text of 3 lines',
    ]);
  });

  it('masks what looks like a secret, whatever its name, before it is cut off', () => {
    const config = {
      'environment.API_KEY': 'hunter2',
      'environment.aws_access_key_id': 'hunter2',
      'environment.DATABASE_URL': `postgres://${'u'.repeat(45)}:hunter2@db/x`,
      'environment.OPTIONS': '--x password=hunter2',
    };
    const read = readPlan(plan(resource({ after: { config } })));
    expect(JSON.stringify(read)).not.toContain('hunter');
    expect(JSON.stringify(read)).toContain('postgres://');
  });

  it('fits into a history, and still says what is lost', () => {
    const many = Array.from({ length: 500 }, (_, number) =>
      resource(
        { actions: ['delete'], before: { text: 'x'.repeat(10_000) }, after: null },
        { address: `incus_instance.vm[${number}]` },
      ),
    );
    const read = { ...readPlan(plan(...many)), hash: 'a', file: 'b' };
    expect(JSON.stringify(read).length).toBeLessThan(100_000);
    expect(countsOf(read)).toBe('500 to delete');
    expect(namesNeeded(SCOPE, read)).toHaveLength(500);
    expect(changeSteps(read).at(-1)).toMatchObject({ title: 'and 440 more' });
  });

  it('asks for the names of what is lost of protected types only', () => {
    const read = readPlan(
      plan(
        resource({ actions: ['delete'] }),
        resource({ actions: ['delete', 'create'] }, { address: 'incus_instance.home' }),
        resource({ actions: ['delete'] }, { address: 'incus_profile.small', type: 'incus_profile' }),
        resource({ actions: ['delete'] }, { deposed: 'e1f2' }),
        resource({ actions: ['update'] }, { address: 'incus_instance.other' }),
      ),
    );
    expect(namesNeeded(SCOPE, read)).toEqual(['incus_instance.edge', 'incus_instance.home']);
  });
});

describe('what is lost of', () => {
  it.each(['incus_instance', 'incus_storage_volume', 'incus_storage_bucket', 'incus_storage_pool', 'incus_project'])(
    '%s is named',
    (type) => {
      const protect = [...PROTECTED_TYPES];
      const lost = [{ address: `${type}.a`, type }];
      expect(namesNeeded({ protect }, { lost })).toEqual([`${type}.a`]);
    },
  );
});

describe('what the hash of a plan covers', () => {
  const base = resource({ before: { cpu: 1 }, after: { cpu: 2 } });
  const of = (...resources: Resource[]): string => canonicalPlan(plan(...resources), STATE);

  it.each<[string, string]>([
    ['another value', of(resource({ before: { cpu: 1 }, after: { cpu: 3 } }))],
    ['another value before', of(resource({ before: { cpu: 0 }, after: { cpu: 2 } }))],
    ['another action', of(resource({ ...base.change, actions: ['delete', 'create'] }))],
    ['another address', of({ ...base, address: 'incus_instance.home' })],
    ['another reason', of({ ...base, action_reason: 'replace_by_request' })],
    ['one more', of(base, resource({ actions: ['create'] }, { address: 'incus_instance.home' }))],
    ['another serial', canonicalPlan(plan(base), { ...STATE, serial: 4 })],
    ['a move', of({ ...base, previous_address: 'incus_instance.old' })],
    ['an import', of({ ...base, change: { ...base.change, importing: { id: 'x' } } })],
    ['another state', canonicalPlan(plan(base), { ...STATE, lineage: 'b' })],
    ['no state', canonicalPlan(plan(base), undefined)],
    ['an output', canonicalPlan({ ...plan(base), output_changes: { ip: { actions: ['create'], after: 1 } } }, STATE)],
  ])('%s is another plan', (_, text) => {
    expect(text).not.toBe(of(base));
  });

  it('is the same whatever the order of keys and resources, and whatever is left as it is', () => {
    const other = resource({ actions: ['create'] }, { address: 'incus_instance.home' });
    const turned = resource({ after: { cpu: 2 }, before: { cpu: 1 } });
    const unchanged = resource({ actions: ['no-op'], before: { x: 1 }, after: { x: 1 } }, { address: 'a.b' });
    expect(of(other, turned, unchanged)).toBe(of(base, other));
  });

  it('has no value that is sensitive, since a weak one could be found out by it', () => {
    const secret = (value: string): string =>
      of(resource({ after: { input: value }, after_sensitive: { input: true } }));
    expect(secret('hunter2')).toBe(secret('hunter3'));
    expect(secret('hunter2')).not.toContain('hunter2');
  });
});

describe('a lock', () => {
  const from = '2026-11-28T02:00:00.000Z';
  const interruptions = [{ from, to: '2026-11-28T02:10:00.000Z', who: 'root@worker' }];

  it.each([
    ['taken while a command of this run was at work', 'root@worker', '2026-11-28T02:00:00.100Z', true],
    ['taken before', 'root@worker', '2026-11-28T01:59:59.999Z', false],
    ['taken after', 'root@worker', '2026-11-28T02:10:00.001Z', false],
    ['of somebody else', 'ada@worker', '2026-11-28T02:00:00.100Z', false],
    ['of another machine', 'root@laptop', '2026-11-28T02:00:00.100Z', false],
    ['that says no time', 'root@worker', '', false],
  ])('%s: by %s at %s, is ours: %s', (_, who, created, isOurs) => {
    expect(isLeftBy({ who, created }, interruptions)).toBe(isOurs);
  });
});

describe('a command that was ended from outside can have locked', () => {
  const startedAt = '2026-11-28T02:00:00.000Z';
  const noticed = (now: string) => ({ lockTimeoutMs: 120_000, now: Date.parse(now), who: 'root@worker' });

  it.each([
    [
      'soon after its start only, however late its end is noticed',
      'lost',
      0,
      '2026-11-28T09:00:00.000Z',
      '02:03:00.000',
    ],
    ['until now at most', 'lost', 0, '2026-11-28T02:00:30.000Z', '02:00:30.000'],
    [
      'until it ended at most, counted from when it was started',
      'signalled',
      5_000,
      '2026-11-28T09:00:00.000Z',
      '02:00:07.000',
    ],
    ['soon after its start, however long it ran', 'timed out', 9_000_000, '2026-11-28T09:00:00.000Z', '02:03:00.000'],
  ])('%s', (_, how, durationMs, now, to) => {
    expect(interruptionOf({ startedAt, how, durationMs }, noticed(now))).toEqual({
      ...{ from: startedAt, to: `2026-11-28T${to}Z`, who: 'root@worker' },
    });
  });
});
