import { describe, expect, it } from '@jest/globals';
import type { Host } from '../../hosts/host.ts';
import { isCommand, type Command } from '../../lab/record/entry.ts';
import { createContainers } from '../../tools/containers.ts';
import { readDeployOutput, restartingUnits } from '../../tools/deploy-rs.ts';
import { createGuestHost } from '../../tools/incus-exec.ts';
import { createIncus } from '../../tools/incus.ts';
import { createSystemProfile } from '../../tools/nix-profile.ts';
import { createNix } from '../../tools/nix.ts';
import { createSystemd } from '../../tools/systemd.ts';
import { transcript as entries } from '../contract/transcripts.ts';
import { fakeHost } from './fake-host.ts';

/** What the real programs answered, recorded on the lab's hosts. */
const transcript = (subject: string): Command[] => entries(subject).filter(isCommand);

/** A host that answers with the recorded entry of that note, whatever it is asked. */
function answering(file: string, note: string): Host {
  const entry = transcript(file).find((each) => each.note === note);
  if (entry === undefined) throw new Error(`No entry "${note}" in ${file}.json`);
  return fakeHost(() => entry);
}

const snapshot = { project: 'default', instance: 'g1', snapshot: 'runbook-1' };
const volume = { pool: 'local', project: 'default', volume: 'g2-data', member: 'n2', snapshot: 'runbook-1' };

describe('what real Incus answered', () => {
  it.each([
    ['incus-state', 'all online', ['Online', 'Online', 'Online']],
    ['incus-members', 'evacuated', ['Online', 'Online', 'Evacuated']],
    ['incus-members', 'n3 is Offline', ['Online', 'Online', 'Offline']],
  ])('in %s, "%s", is read as members', async (file, note, statuses) => {
    const answer = await createIncus(answering(file, note)).members();
    expect(answer.type === 'members' ? answer.members.map(({ status }) => status) : answer).toEqual(statuses);
  });

  it('of itself is read', async () => {
    expect(await createIncus(answering('incus-state', 'server')).server()).toMatchObject({
      type: 'server',
      version: '6.0.4',
      clustered: true,
      storageDrivers: [{ name: 'dir', version: '1' }],
    });
  });

  it.each(['every instance of the cluster', 'its instances are in Error'])(
    'of instances (%s) is read',
    async (note) => {
      const file = note.startsWith('every') ? 'incus-state' : 'incus-members';
      const answer = await createIncus(answering(file, note)).instances();
      expect(answer).toMatchObject({
        type: 'instances',
        instances: [
          { name: 'g1', status: 'Running', volumes: [{ device: 'data', pool: 'local', name: 'g1-data' }] },
          { name: 'g2', location: 'n2' },
          { name: 'g3', status: note.startsWith('every') ? 'Running' : 'Error' },
        ],
      });
    },
  );

  it('of pools, space, volumes and states is read', async () => {
    const on = (note: string) => createIncus(answering('incus-state', note));
    expect(await on('pool').pool('local')).toMatchObject({
      type: 'pool',
      driver: 'dir',
      members: expect.arrayContaining(['n1', 'n2', 'n3']),
    });
    expect(await on('no such pool').pool('nope')).toEqual({ type: 'not found', what: 'Storage pool not found' });
    expect(await on('space').poolSpace('local', 'n1')).toMatchObject({ type: 'space', total: 270_553_174_016 });
    expect(await on('space, no such member').poolSpace('local', 'nope')).toMatchObject({ type: 'not found' });
    expect(await on('custom volumes').volumes('local', { project: 'default' })).toMatchObject({
      volumes: [{ name: 'g1-data', location: 'n1' }, { name: 'g2-data' }, { name: 'g3-data' }],
    });
    const state = on('state of an instance on another member').instanceState('default', 'g2');
    expect(await state).toMatchObject({ type: 'state', status: 'Running' });
  });

  it.each([
    ['create', 'created'],
    ['create again: duplicate', 'already there'],
    ['create of a missing instance', 'not found'],
  ])('to a snapshot of an instance ("%s") is %s', async (note, type) => {
    const incus = createIncus(answering('incus-instance-snapshots', note));
    expect(await incus.createInstanceSnapshot(snapshot)).toMatchObject({ type });
  });

  it.each([
    ['delete', 'deleted'],
    ['delete again', 'already gone'],
    ['create of a missing instance', 'not found'],
  ])('to the removal of one ("%s") is %s', async (note, type) => {
    const incus = createIncus(answering('incus-instance-snapshots', note));
    expect(await incus.deleteInstanceSnapshot(snapshot)).toMatchObject({ type });
  });

  it.each([
    ['restore', 'restored'],
    ['restore of a missing one', 'not found'],
  ])('to a restore ("%s") is %s', async (note, type) => {
    const incus = createIncus(answering('incus-instance-snapshots', note));
    expect(await incus.restoreInstanceSnapshot(snapshot)).toMatchObject({ type });
  });

  it('of snapshots is read with names and expiries', async () => {
    const instance = createIncus(answering('incus-instance-snapshots', 'list'));
    expect(await instance.instanceSnapshots('default', 'g1')).toMatchObject({
      snapshots: [{ name: 'runbook-1', expires: '2030-01-02T03:04:05Z' }],
    });
    const custom = createIncus(answering('incus-volume-snapshots', 'list'));
    expect(await custom.volumeSnapshots(volume)).toMatchObject({
      snapshots: [{ name: 'runbook-1', expires: '2030-01-02T03:04:05Z' }],
    });
  });

  it.each([
    ['create', 'created'],
    ['create again: duplicate', 'already there'],
    ['create at the wrong member', 'not found'],
  ])('to a snapshot of a volume ("%s") is %s', async (note, type) => {
    const incus = createIncus(answering('incus-volume-snapshots', note));
    expect(await incus.createVolumeSnapshot(volume)).toMatchObject({ type });
  });

  it.each([
    ['restore', 'restored'],
    ['restore of a missing one', 'not found'],
  ])('to the restore of a volume ("%s") is %s', async (note, type) => {
    const incus = createIncus(answering('incus-volume-snapshots', note));
    expect(await incus.restoreVolumeSnapshot(volume)).toMatchObject({ type });
  });

  it.each([
    ['delete', 'deleted'],
    ['delete again', 'already gone'],
  ])('to the removal of a volume’s snapshot ("%s") is %s', async (note, type) => {
    const incus = createIncus(answering('incus-volume-snapshots', note));
    expect(await incus.deleteVolumeSnapshot(volume)).toMatchObject({ type });
  });

  it.each([
    ['start', 'started'],
    ['start of a running one', 'already running'],
    ['start of a missing one', 'not found'],
  ])('to a start ("%s") is %s', async (note, type) => {
    const incus = createIncus(answering('incus-instances', note));
    expect(await incus.startInstance('default', 'g3')).toMatchObject({ type });
  });

  it.each([['stop of a stopped one', 'already stopped']])('to a stop ("%s") is %s', async (note, type) => {
    const incus = createIncus(answering('incus-instances', note));
    expect(await incus.stopInstance('default', 'g3', { timeoutSeconds: 1 })).toMatchObject({ type });
  });

  it('about an evacuated or absent member is read', async () => {
    const on = (note: string) => createIncus(answering('incus-members', note));
    const evacuated = on('start of an instance there').startInstance('default', 'g3');
    expect(await evacuated).toEqual({ type: 'member evacuated' });
    const state = on('state of one of them, at first').instanceState('default', 'g3');
    expect(await state).toMatchObject({ type: 'member offline' });
    expect(await on('snapshot of one of them').createInstanceSnapshot(snapshot)).toMatchObject({ type: 'busy' });
    expect(await on('space of an offline one').poolSpace('local', 'n3')).toMatchObject({ type: 'busy' });
  });

  it.each([
    ['exec: not found', 'NotRun'],
    ['exec: not executable', 'NotRun'],
    ['exec: missing instance', 'Refused'],
  ])('to a command ("%s") is %s', async (note, type) => {
    const guest = createGuestHost({ member: answering('incus-instances', note), project: 'default', instance: 'g3' });
    await expect(guest.run(['true'], { timeoutMs: 1_000 })).rejects.toMatchObject({ type });
  });
});

describe('what real nix answered', () => {
  const target = { flakeRef: 'git+file:///srv/infra', node: 'n1', profile: 'system' };

  it.each([
    ['build', { type: 'closure', path: expect.stringMatching(/^\/nix\/store\/\w{32}-nixos-system-n3-26\.05\.1$/) }],
    ['no such node', { type: 'not found' }],
    ['no such revision', { type: 'build failed', stage: 'evaluation' }],
    ['no such repository', { type: 'build failed', stage: 'evaluation' }],
  ])('to a build ("%s") is read', async (note, expected) => {
    expect(await createNix(answering('nix', note)).buildSystem(target)).toMatchObject(expected);
  });

  it.each([['no such file'], ['no such path']])('about "%s" is not found', async (note) => {
    expect(await createNix(answering('nix', note)).closureFacts('/nix/store/x')).toMatchObject({ type: 'not found' });
  });

  it('of the versions of Incus in a closure is read', async () => {
    const all = transcript('nix');
    const closure = all.find(({ note }) => note === 'closure');
    const listing = { stdout: JSON.stringify({ type: 'directory', entries: {} }) };
    const host = fakeHost((argv) => (argv[1] === 'path-info' ? closure : listing));
    expect(await createNix(host).closureFacts('/nix/store/x')).toMatchObject({ incusVersions: ['6.0.4'] });
  });

  it('of generations is read', async () => {
    const generations = transcript('generations').find(({ note }) => note === 'generations');
    const host = fakeHost((argv) => {
      if (argv[0] === 'nix-env') return generations;
      return {
        stdout: argv
          .slice(3)
          .map((_, index) => `/nix/store/x-${index}`)
          .join('\n'),
      };
    });
    expect(await createSystemProfile(host).current()).toMatchObject({ generation: 2 });
    expect(await createSystemProfile(host).switchGeneration(2)).toEqual({ type: 'already' });
    expect(await createSystemProfile(host).switchGeneration(3)).toMatchObject({ type: 'not found' });
  });
});

describe('what real deploy-rs printed', () => {
  it.each([
    ['n1: dry activation', 'dry-activated'],
    ['n1: success', 'confirmed'],
    ['n1: the same again', 'confirmed'],
    ['n1: the activation fails', 'cancelled'],
    ['n1: for the next boot', 'set for next boot'],
    ['g1: success', 'confirmed'],
    ['no such node', 'build failed'],
    ['a flake that does not evaluate', 'build failed'],
    ['the activation stops sshd: magic rollback', 'confirmation failed'],
    ['a host key that is not known', 'refused'],
    ['not reachable', 'unreachable'],
  ])('for "%s" claims: %s', (note, claim) => {
    const entry = transcript('deploy-rs').find((each) => each.note === note);
    expect(entry === undefined ? undefined : readDeployOutput(entry)).toMatchObject({ claim });
  });

  it('names the units that it restarts', () => {
    const entry = transcript('deploy-rs').find(({ note }) => note === 'n1: success');
    expect(restartingUnits((entry?.stdout ?? '').split('\n')).restart).toEqual(['lab-app.service']);
  });
});

describe('what real systemd answered', () => {
  it.each([
    ['nothing failed', []],
    ['one failed', ['job-3.service']],
  ])('with "%s" is read', async (note, units) => {
    const answer = await createSystemd(answering('systemd', note)).failedUnits();
    expect(answer.type === 'units' ? answer.units.map(({ unit }) => unit) : answer).toEqual(units);
  });

  it.each([
    ['on a host: Incus', { load: 'loaded', active: 'active', sub: 'running', result: 'success' }],
    ['no such unit', { load: 'not-found', active: 'inactive', sub: 'dead' }],
    ['failed', { active: 'failed', result: 'exit-code' }],
  ])('of "%s" is read', async (note, state) => {
    const answer = await createSystemd(answering('systemd', note)).unitStates(['x.service']);
    expect(answer).toMatchObject({ type: 'states', states: [state] });
  });

  it('about a unit that is not there, and a degraded system, is read', async () => {
    expect(await createSystemd(answering('systemd', 'restart of none')).restartUnit('nope.service')).toEqual({
      type: 'not found',
      what: 'nope.service',
    });
    expect(await createSystemd(answering('systemd', 'degraded')).isSystemRunning()).toEqual({
      type: 'system',
      state: 'degraded',
    });
  });
});

describe('what real podman answered', () => {
  it('of a container and its image is read', async () => {
    const entries = transcript('podman');
    const named = (note: string) => entries.find((entry) => entry.note === note);
    const host = fakeHost((argv) => named(argv[1] === 'image' ? 'the image' : 'the container'));
    expect(await createContainers(host, 'podman').imageOf('web')).toEqual({
      type: 'image',
      imageName: '10.89.0.2:5000/web:latest',
      imageId: expect.stringMatching(/^f09af4096f5c/),
      digest: expect.stringMatching(/^sha256:617c98bda34b/),
    });
  });

  it('about what is missing is read', async () => {
    const on = (note: string) => createContainers(answering('podman', note), 'podman');
    expect(await on('missing container').imageOf('nope')).toMatchObject({ type: 'not found' });
    expect(await on('tag of a missing image').tag('nope', 'x:y')).toMatchObject({ type: 'not found' });
    expect(await on('pull of what the registry has not').pull('x/nope:latest')).toMatchObject({
      type: 'pull failed',
      message: expect.stringContaining('manifest unknown'),
    });
  });
});
