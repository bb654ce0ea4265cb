import type { Command } from '../../lab/record/entry.ts';

/** Subjects that the simulation has no likeness of. */
export const NOT_PLAYED: Readonly<Record<string, string>> = {
  git: 'the simulation passes it on to the real one',
  drill: 'simulated datasets have no data to be shown and written above: simulated-drill.test.ts has whole drills',
  identity: 'keys and files of age are made where it is recorded; simulated-identity.test.ts has the simulated ones',
  sops: 'its files and keys are made where it is recorded; simulated-rotation.test.ts has the simulated ones',
  'incus-on-zfs': 'simulated snapshots are no snapshots of ZFS: nobody can hold them, or make others beside',
  rejoin: 'no simulated host loses its root disk and keeps its pool',
  'incus-upgrade': 'its commands overlap in time; deploy.test.ts plays the same jump',
};

const BROKEN_FLAKE = 'the simulation has a flake of its own, in which `buildError` stands for what cannot be built';
const OTHER_FLAKE = 'the simulation has a flake of its own; simulated-reinstall.test.ts asks that';
const LETS_IN = 'the simulated sshd lets everybody in who has the host key right';
const NO_MASTER = 'each simulated connection is one of its own: there is no master';
const NO_NAMESPACES = 'simulated machines have no mount namespaces: simulated-restic.test.ts reads a volume’s snapshot';
const NO_LOCK = 'simulated commands are over at once: that one has left a lock is said in the state';
const NO_FILES = 'simulated volumes have no files';
const NO_UNIT_FILES = 'the simulation has no unit files; an activation makes units fail there';
const ON_DISKS = 'labels of ZFS are on simulated disks only, not in files';
const NO_DATA = 'simulated datasets have no data: a test says what was written to them';
const NO_KEYS = 'the key of a simulated dataset is there or not, and nobody loads it';
const NOBODY_IN_IT = 'nobody has anything open on a simulated dataset; replication.test.ts breaks a receive off';
const NO_SPACE = 'simulated pools are never full';
const IS_UP = 'the simulated project is up from the beginning';
const NO_SECOND = 'the one that has the lock is started past the recorder; simulated-infra.test.ts meets one';
const NO_REFERENCES = 'simulated resources refer to variables only';
const NOT_AROUND = 'there is nothing outside of the simulated network';

/** Single commands that the simulation is not asked: subject, note, why. */
const LEFT_OUT: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'deploy-rs': { 'a system that cannot be built': BROKEN_FLAKE },
  restic: {
    'with a file that nobody can read':
      'that file is one of the kernel’s; a simulated one is said to be so by its mode',
    'of what is mounted for it alone': NO_NAMESPACES,
    'of what cannot be mounted': NO_NAMESPACES,
    'nothing is left mounted': NO_NAMESPACES,
    'prune where it is locked': NO_LOCK,
    'check where it is locked': NO_LOCK,
    unlock: NO_LOCK,
    'forget where nobody may delete': 'that a simulated repository takes backups only is said in its state',
    'check of a damaged repository': 'that a simulated repository is damaged is said in its state',
    'a ledger': 'it is written past the recorder',
  },
  terraform: {
    'a plan beside it': NO_SECOND,
    'apply beside it': NO_SECOND,
    'a plan with a mistake': NO_REFERENCES,
    'init with another version': 'simulated ones have no versions',
  },
  'incus-recreate': {
    'init as a virtual machine of a container’s image': 'simulated images are of either kind',
  },
  docker: { 'no containers': IS_UP, 'up without an image': IS_UP },
  'host-programs': {
    'what it runs': 'the lab’s hosts are no NixOS; simulated-reinstall.test.ts reads that of the simulated ones',
    'an activation': 'pgrep finds programs that the simulation plays; deploy.test.ts waits for one by it',
  },
  disks: {
    'disks, one of them of a pool': 'the lab’s system is on a disk without parts, those of the simulation have some',
    'labels of a spare': ON_DISKS,
    'labels of a pool that was destroyed': ON_DISKS,
  },
  'incus-state': { 'members of no cluster': 'the simulated members are always in their cluster' },
  'incus-instances': {
    'exec: the guest goes down meanwhile': 'the one that ends it comes after it here',
    'stop of a frozen one': 'simulated guests always shut down',
    'exec: ended by a signal': 'where a command ended by a signal, the simulated ssh ends with 255',
  },
  'incus-volume-snapshots': { 'written after the snapshot': NO_FILES, 'gone with the restore': NO_FILES },
  'zfs-kept': {
    'kept: none': 'it is there from the beginning here',
    ...Object.fromEntries(
      [
        'with a clone',
        'destroy with a clone elsewhere',
        'after that',
        'with a hold',
        'destroy with a hold',
        'mounted',
        'destroy while somebody is in it',
      ].map((note) => [
        `kept: ${note}`,
        'simulated datasets are neither cloned, held nor in use: tests say that they are',
      ]),
    ),
  },
  replication: {
    'an increment for a replica that was written to': NO_DATA,
    'a replica that was written to': NO_DATA,
    'an increment past a snapshot that changes something': NO_DATA,
    'a replica that was rolled back': NO_DATA,
    'an increment that is not raw': NO_KEYS,
    'a raw increment after that': NO_KEYS,
    'a send that is not raw, without the key': NO_KEYS,
    'giving up what is being received': NOBODY_IN_IT,
    'a send to what is being received': NOBODY_IN_IT,
    'destroy of a snapshot that somebody looks into': NOBODY_IN_IT,
    'a send beyond a quota': NO_SPACE,
    'a send to a full pool': NO_SPACE,
    'a limit where its program is not installed': 'what is not installed differs from host to host',
  },
  nix: {
    'a builder that fails': BROKEN_FLAKE,
    'a dependency that fails': BROKEN_FLAKE,
    'what does not evaluate': BROKEN_FLAKE,
    'a disk layout': OTHER_FLAKE,
    'a disk layout without disks': OTHER_FLAKE,
    'a disk without a device': OTHER_FLAKE,
    'a disk layout of no such host': OTHER_FLAKE,
  },
  probes: {
    'a page': 'the simulated guests have pages of their own; the tests of whole runs ask for those',
    'no such page': NOT_AROUND,
    'an address where nobody is': NOT_AROUND,
    'a connection': NOT_AROUND,
    'a connection that is refused': NOT_AROUND,
    'a connection to no such host': NOT_AROUND,
  },
  ssh: {
    'no new commands over it': NO_MASTER,
    'the end of the connection': NO_MASTER,
    'a key that it does not know': LETS_IN,
    'without a key of its own': LETS_IN,
    'as deploy-rs logs in, without a key': LETS_IN,
    'no such user': LETS_IN,
    'a key that others can read': LETS_IN,
    'a key that is none': LETS_IN,
    'a key of the wrong form': LETS_IN,
    'no common cipher': LETS_IN,
    'no common MAC': LETS_IN,
    'no common key exchange': LETS_IN,
    'no common kind of host key': LETS_IN,
    'an option that is none': LETS_IN,
    'a configuration with an option that is none': LETS_IN,
    'too many keys': LETS_IN,
  },
  systemd: {
    'restart of one that fails': NO_UNIT_FILES,
    'restart of one that needs it': NO_UNIT_FILES,
    'freed by name': NO_UNIT_FILES,
  },
};

export function isLeftOut(subject: string, { note }: Command): boolean {
  return LEFT_OUT[subject]?.[note] !== undefined;
}

/** Notes that no scenario has any more. */
export function staleNotes(subject: string, commands: readonly Command[]): string[] {
  const notes = new Set(commands.map(({ note }) => note));
  return Object.keys(LEFT_OUT[subject] ?? {}).filter((note) => !notes.has(note));
}
