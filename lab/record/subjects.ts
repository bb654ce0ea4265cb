import type { Lab } from '../api.ts';
import { kindOf } from '../machines.ts';
import type { Entry } from './entry.ts';
import { recordDeploys } from './deploys.ts';
import { recordDisks } from './disks.ts';
import { recordDrill } from './drill.ts';
import { recordDocker } from './docker.ts';
import { recordGenerations } from './generations.ts';
import { recordGit } from './git.ts';
import { recordHostPrograms, recordProbes } from './host-programs.ts';
import { recordIdentity } from './identity.ts';
import { recordFormation } from './incus-formation.ts';
import { recordLeaving } from './incus-removal.ts';
import { recordRecreate } from './incus-recreate.ts';
import { recordInstances } from './incus-instances.ts';
import { recordMembers } from './incus-members.ts';
import { recordInstanceSnapshots, recordVolumeSnapshots } from './incus-snapshots.ts';
import { recordState } from './incus-state.ts';
import { recordIncusUpgrade } from './incus-upgrade.ts';
import { recordNix } from './nix.ts';
import { recordPodman } from './podman.ts';
import { recordQuorum } from './quorum.ts';
import { Recorder } from './recorder.ts';
import { recordRejoin } from './rejoin.ts';
import { recordReplication } from './replication.ts';
import { recordRestic } from './restic.ts';
import { recordSetAside } from './set-aside.ts';
import { recordSops } from './sops.ts';
import { recordSsh } from './ssh.ts';
import { recordSystemd } from './systemd.ts';
import { recordTerraform } from './terraform.ts';
import { recordIncusOnZfs, recordKept, recordZfs } from './zfs.ts';

type Track = Readonly<Record<string, (recorder: Recorder) => Promise<void>>>;

/**
 * Scenarios by subject, each on what the ones before it have left. Of each stage the tracks go on at the same time: they
 * don't get into each other's way.
 */
const STAGES: readonly (readonly Track[])[] = [
  [
    {
      'incus-state': recordState,
      'incus-volume-snapshots': recordVolumeSnapshots,
      'incus-instance-snapshots': recordInstanceSnapshots,
      'incus-instances': recordInstances,
      'incus-recreate': recordRecreate,
      'host-programs': recordHostPrograms,
      restic: recordRestic,
      identity: recordIdentity,
      sops: recordSops,
    },
    { systemd: recordSystemd, podman: recordPodman, probes: recordProbes, 'deploy-rs': recordDeploys },
    {
      docker: recordDocker,
      ssh: recordSsh,
      git: recordGit,
      terraform: recordTerraform,
      'set-aside': recordSetAside,
      nix: recordNix,
      generations: recordGenerations,
    },
  ],
  [{ 'incus-members': recordMembers }],
];

/** After all others: they change every member for good, and take the most time. The last ones begin with new hosts. */
export const LAST = {
  'incus-upgrade': recordIncusUpgrade,
  'incus-formation': recordFormation,
  'incus-removal': recordLeaving,
  'incus-quorum': recordQuorum,
};

/** What needs ZFS: on virtual hosts. The last one gives a host a new root disk. */
export const ON_ZFS = {
  zfs: recordZfs,
  'zfs-kept': recordKept,
  'incus-on-zfs': recordIncusOnZfs,
  disks: recordDisks,
  replication: recordReplication,
  drill: recordDrill,
  rejoin: recordRejoin,
};

interface Choice {
  /** All of them where it is absent. */
  only?: readonly string[] | undefined;
  /** Without the version jump, which takes as long as the rest. */
  withoutLast?: boolean;
  progress?: (line: string) => void;
}

/** Plays the scenarios for its kind in a fresh lab; `keep` gets the entries of each subject, the same for every lab. */
export async function playScenarios(
  lab: Lab,
  keep: (subject: string, entries: Entry[]) => Promise<void>,
  { only, withoutLast = false, progress = () => undefined }: Choice = {},
): Promise<void> {
  const playTrack = async (track: Track): Promise<void> => {
    for (const [subject, record] of Object.entries(track)) {
      if (only !== undefined && !only.includes(subject)) continue;
      progress(subject);
      const recorder = new Recorder(lab);
      await record(recorder);
      await keep(subject, recorder.neutral());
    }
  };
  if (kindOf(lab.record) === 'vms') return playTrack(ON_ZFS);
  for (const tracks of STAGES) await allEnded(tracks.map(playTrack));
  if (!withoutLast) await playTrack(LAST);
}

/** Throws the first failure once none is at work any more. */
async function allEnded(tracks: Promise<void>[]): Promise<void> {
  await Promise.allSettled(tracks);
  await Promise.all(tracks);
}
