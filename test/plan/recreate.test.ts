import { describe, expect, it } from '@jest/globals';
import type { InfraChange } from '../../plan/infra.ts';
import type { PlannedCreation } from '../../plan/recreate-terraform.ts';
import { asideName, planRecreate, type RecreateObservation, type RecreateScope } from '../../plan/recreate.ts';

const OLD = `age1${'e'.repeat(58)}`;
const DATA = { pool: 'zpool', name: 'edge-data' };
const SCOPE: RecreateScope = {
  ...{ guest: 'edge-vm', member: 'n1', project: 'default', type: 'virtual-machine', image: 'nixos' },
  ...{ config: 'secrets/sops.yaml', keyFile: '/var/lib/sops-nix/key.txt', approvalTimeout: '1h', keepOld: '7d' },
  ...{ volumes: [DATA], unattached: [], hasHostKey: true, push: { remote: 'origin', branch: 'main' } },
};
const WELL: RecreateObservation = {
  ...{ head: 'abc', uncommitted: [], remote: { head: 'abc' }, names: { [OLD]: 'edge-vm' }, keys: [OLD], named: [OLD] },
  files: [{ path: 'secrets/edge.enc.yaml', values: ['token'], others: [] }],
  old: { state: 'alive', status: 'Running', location: 'n1', volumes: [DATA], inherited: [] },
  ...{ missing: [], inUse: [], hostKeyPlaces: 1 },
};
const judged = (change: Partial<RecreateObservation> = {}, scope: Partial<RecreateScope> = {}) =>
  planRecreate({ ...SCOPE, ...scope }, { ...WELL, ...change }, 'abc');
const refusalsOf = (...of: Parameters<typeof judged>): string[] => judged(...of).refusals.map(({ name }) => name);
const old = (change: Partial<NonNullable<RecreateObservation['old']>>): Partial<RecreateObservation> => ({
  old: { state: 'alive', status: 'Running', location: 'n1', volumes: [DATA], inherited: [], ...change },
});

describe('the gates of vm-recreate', () => {
  it('let a guest through that is well, and say that there is a way back', () => {
    const { refusals, gates } = judged();
    expect(refusals).toEqual([]);
    expect(gates.map(({ message }) => message).join()).toContain('what there is to go back to');
  });

  it.each<[string, Partial<RecreateObservation>, Partial<RecreateScope>, string]>([
    ['it cannot be looked at', { instanceProblem: 'no answer' }, {}, 'instance'],
    ['it is on another member', old({ location: 'n2' }), {}, 'instance'],
    ['its member is away', old({ state: 'dead', status: 'Error' }), {}, 'instance'],
    ['it is gone when it stops', old({ isEphemeral: true }), {}, 'instance'],
    ['a volume is missing', { missing: [DATA] }, {}, 'volumes'],
    ['another instance has a volume', { inUse: [{ ...DATA, by: 'home-vm' }] }, {}, 'volumes'],
    ['it has one that is not declared', old({ volumes: [DATA, { pool: 'zpool', name: 'more' }] }), {}, 'volumes'],
    ['a profile attaches it', old({ inherited: [DATA] }), {}, 'volumes'],
    ['no device would attach it', {}, { unattached: [DATA] }, 'volumes'],
    ['the clone is elsewhere', { head: 'def' }, {}, 'repository'],
    ['the branch takes nothing', { remote: { head: 'abc', problem: 'denied' } }, {}, 'push'],
    ['no key is known', { named: [] }, {}, 'key'],
    ['two keys are', { named: [OLD, `${OLD}x`] }, {}, 'key'],
    ['there is no sops', { sopsProblem: 'sops is not there' }, {}, 'sops'],
    ['a file cannot be decrypted', { files: [{ path: 'a', values: [], others: [], problem: 'no key' }] }, {}, 'files'],
    ['its host key is not declared', {}, { hasHostKey: false }, 'login'],
    ['its host key stands there twice', { hostKeyPlaces: 2 }, {}, 'login'],
    ['the worker is in it', { orchestratorHere: 'This worker runs on edge-vm itself.' }, {}, 'orchestrator'],
  ])('refuse where %s', (_, change, scope, gate) => {
    expect(refusalsOf(change, scope)).toEqual([gate]);
  });

  it('warn of what cannot be had back', () => {
    const warned = (...of: Parameters<typeof judged>): string =>
      judged(...of)
        .gates.filter(({ verdict }) => verdict === 'warning')
        .map(({ message }) => message)
        .join();
    expect(warned(old({ state: 'gone', volumes: [] }))).toContain('no old edge-vm to go back to');
    expect(warned({ ...old({ state: 'dead', status: 'Stopped' }), keyProblem: 'it is Stopped' })).toContain(
      'it is Stopped. If this fails, it is given back as it is',
    );
    expect(warned({}, { keepOld: '0s' })).toContain('no way back after that');
  });
});

describe('the plan of vm-recreate', () => {
  it('renames nothing where nothing is left', () => {
    const ids = (...of: Parameters<typeof judged>): string[] => judged(...of).steps.map(({ id }) => id);
    expect(ids()).toContain('set-aside');
    const gone = ids(old({ state: 'gone', volumes: [] }));
    expect(gone).not.toContain('set-aside');
    expect(gone).not.toContain('end-old');
  });

  it('gives the old one a name that Incus takes', () => {
    const run = 'runbook-20261128-1020-3f9c';
    expect(asideName('edge-vm', run)).toBe(`edge-vm-${run}`);
    expect(asideName('x'.repeat(63), run)).toHaveLength(63);
  });
});

describe('the plan of a guest that Terraform makes', () => {
  const terraform = {
    address: 'incus_instance.edge',
    folder: 'infra/incus/n1',
    program: 'terraform',
    needsTarget: true,
  };
  const created: InfraChange = {
    address: terraform.address,
    type: 'incus_instance',
    action: 'create',
    attributes: [],
    more: 0,
  };
  const DECLARED = {
    ...{ name: 'edge-vm', target: 'n1', project: 'default', type: 'virtual-machine', remote: '', ephemeral: false },
  };
  const WELL_PLANNED: PlannedCreation = {
    ...{ hash: 'a'.repeat(64), file: 'b', changes: [created], more: {}, lost: [], outputs: [], drifted: [] },
    ...{ inState: true, isWritable: true, declared: DECLARED },
    known: { name: 'edge-vm', project: 'default', remote: '' },
  };
  const planned = (
    creation: Partial<PlannedCreation> = {},
    more: Partial<RecreateObservation> = {},
    needsTarget = true,
  ) =>
    planRecreate({ ...SCOPE, terraform: { ...terraform, needsTarget } }, { ...WELL, ...more }, 'abc', {
      ...WELL_PLANNED,
      ...creation,
    });

  it('has Terraform create it, and look again in the end', () => {
    const { refusals, steps } = planned();
    expect(refusals).toEqual([]);
    const ids = steps.map(({ id }) => id);
    expect(ids.slice(ids.indexOf('set-aside'), ids.indexOf('make-key'))).toEqual([
      ...['set-aside', 'forget', 'plan-1', 'apply-1', 'create'],
    ]);
    expect(ids).toContain('settle');
  });

  it.each<[string, Partial<PlannedCreation>, string]>([
    ['it does not declare it', { changes: [] }, 'does not declare incus_instance.edge'],
    ['it would replace it', { changes: [{ ...created, action: 'replace' }] }, 'would replace incus_instance.edge'],
    [
      'it would do more',
      { changes: [created, { ...created, address: 'incus_network.lan', action: 'delete' }] },
      '1 to create, 1 to delete (delete incus_network.lan)',
    ],
    ['an output changes', { outputs: ['ip'] }, '(output ip)'],
    ['more changes than are told', { more: { create: 3 } }, '4 to create'],
    ['it is another guest', { declared: { ...DECLARED, name: 'home-vm' } }, 'is called "home-vm", not edge-vm'],
    [
      'it is in another project',
      { declared: { ...DECLARED, project: 'lab' } },
      'is in the project lab, and runbook.yaml says default',
    ],
    ['it has another target', { declared: { ...DECLARED, target: 'n2' } }, 'has the target n2'],
    ['it has no target', { declared: { ...DECLARED, target: '' } }, 'has no target'],
    [
      'it is of another type',
      { declared: { ...DECLARED, type: 'container' } },
      'is a container, and runbook.yaml says',
    ],
    ['it would go when it stops', { declared: { ...DECLARED, ephemeral: true } }, 'is ephemeral'],
    [
      'the state has another guest there',
      { known: { name: 'home-vm', project: 'default', remote: '' } },
      'knows the instance "home-vm" of project default as incus_instance.edge',
    ],
    [
      'the old one was made on another server',
      { known: { name: 'edge-vm', project: 'default', remote: 'lab' } },
      'through the remote "lab"',
    ],
    ['Terraform does not know the old one', { inState: false }, 'does not know it as incus_instance.edge'],
    ['its state cannot be written', { isWritable: false }, 'has numbers'],
  ])('is refused where %s', (_, creation, message) => {
    const { refusals } = planned(creation);
    expect(refusals.map(({ name }) => name)).toEqual(['terraform']);
    expect(refusals[0]?.message).toContain(message);
  });

  it('is well without a target where there is one member, and without an address where nothing is left', () => {
    expect(planned({ declared: { ...DECLARED, target: '' } }, {}, false).refusals).toEqual([]);
    expect(planned({ inState: false }, old({ state: 'gone', volumes: [] })).refusals).toEqual([]);
  });
});
