import { describe, expect, it } from '@jest/globals';
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
