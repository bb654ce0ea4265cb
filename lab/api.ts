import { cp, mkdir, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { cgroupOf, killCgroup } from './cgroups.ts';
import { makeBare, waitForGuests, waitForStatus, waitForSystems, waitOnline } from './cluster.ts';
import { importImage } from './guests.ts';
import { binOf, writeControl } from './control.ts';
import { collectGarbage, endRun } from './gc.ts';
import { copyDisk } from './disks.ts';
import { GUEST_IMAGE, provideGolden, readFacts } from './golden.ts';
import { checkOn, powerOff, powerOn, replaceRootDisk, runOn } from './hosts.ts';
import { withLock } from './lock.ts';
import { kindOf, machinesOf, type Kind } from './machines.ts';
import { createSwitch, setCable } from './network.ts';
import { address, NODES } from './nodes.ts';
import { RUNS } from './paths.ts';
import { publishWeb, startRegistry, type WebRelease } from './registry.ts';
import { identityOf, repositoryOf, setSpec, writeRepository, type Facts } from './repository.ts';
import { installMissing, whyNot } from './requirements.ts';
import { claimRun, type RunRecord } from './run-record.ts';
import type { Ran, RunOptions } from './shell.ts';
import type { NodeSpec } from './spec.ts';
import { writeKnownHosts } from './ssh.ts';
import { installTools } from './tools.ts';

type Progress = (line: string) => void;

/** Real hosts `n1 n2 n3` in one Incus cluster with guests `g1 g2 g3`, one on each. */
export interface Lab {
  readonly record: RunRecord;
  readonly kind: Kind;
  /** How many times as long as in namespaces everything may take: 1, and 5 on virtual hosts. */
  readonly patience: number;
  readonly facts: Facts;
  /** The monorepo that a worker works from: flake, `spec.json`, `runbook.yaml`; a git repository, committed. */
  readonly repo: string;
  /** A folder with `nix`, `deploy`, `restic` and `age`. */
  readonly binDir: string;
  /** What a worker's environment needs on top: `PATH` with `binDir` first. */
  readonly env: Readonly<Record<string, string>>;
  /** The private ssh key of root on every host and guest. */
  readonly identityFile: string;
  /** A host's or guest's IP address, as this machine reaches it. */
  address(node: string): string;
  /** Runs a command on a host or in a guest, past ssh and the network. Resolves for any exit code. */
  run(node: string, argv: readonly string[], options?: RunOptions): Promise<Ran>;
  readonly power: {
    off(host: string): Promise<void>;
    /** Waits until the host's pid 1 runs; `online` waits for its cluster. */
    on(host: string): Promise<void>;
    reboot(host: string): Promise<void>;
  };
  /** Pulls a host's network cable, its guests' with it. */
  cut(host: string): Promise<void>;
  heal(host: string): Promise<void>;
  /** Pulls the plug, puts a newly installed root disk in, switches on. The data disk with the pool stays; the ssh host key is put back. */
  replaceRootDisk(host: string): Promise<void>;
  readonly pool: {
    /** Fills the pool of a host to the last byte. */
    fill(host: string): Promise<void>;
    /** Takes away what filled it. */
    free(host: string): Promise<void>;
  };
  /** Hosts as before there was a cluster: newly installed, the place of the pool empty; n1 has the guests' image. `reset` brings the cluster back. */
  makeBare(): Promise<void>;
  /** Waits until all members are Online and every guest's container answers. Throws what is missing after 60 s × `patience`. */
  online(): Promise<void>;
  /** Waits until another member lists this one so: `Offline`, `Online`, `Evacuated`. Throws after 60 s × `patience`. */
  memberIs(member: string, status: string): Promise<void>;
  /** Pushes `web:latest`; returns its digest. */
  publishWeb(release: WebRelease): Promise<string>;
  /** Changes a node's spec, commits, returns the revision. */
  setSpec(node: string, change: Partial<NodeSpec>): Promise<string>;
  /** Puts `sops` and `terraform` into `binDir` as well. They are built the first time: minutes. */
  installTools(progress?: Progress, only?: 'sops' | 'terraform'): Promise<void>;
  /** Back to the golden state: hosts, guests, registry, store and repository. Waits as `online` does. */
  reset(): Promise<void>;
  /** Ends the lab and removes all that is its. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Starts a lab from the golden state, which is made first where it is missing (minutes, once).
 * It ends with this process at the latest: what a killed one left behind, the next start removes.
 * Throws where the machine cannot run it; `whyNot` says so beforehand.
 */
export async function startLab(options: { kind?: Kind; progress?: Progress } = {}): Promise<Lab> {
  const { kind = 'namespaces', progress = () => undefined } = options;
  const reason = await whyNot(kind);
  if (reason !== null) throw new Error(`the lab cannot run here: ${reason}`);
  await installMissing(progress);
  const { seed, ...parts } = await provideGolden(kind, progress);
  const record = await withLock(
    join(RUNS, 'lock'),
    () => undefined,
    async () => {
      await collectGarbage(progress);
      return claimRun({ ...parts, seed: join(seed, 'layer') });
    },
  );
  try {
    await cp(join(seed, 'id'), identityOf(record));
    await createSwitch(record);
    await rewind(record);
  } catch (error) {
    await endRun(record);
    throw error;
  }
  return labOf(record);
}

/** A lab that already runs, by its record. */
export async function labOf(record: RunRecord): Promise<Lab> {
  const facts = await readFacts(record.golden);
  const binDir = binOf(record);
  const online = async (): Promise<void> => {
    await waitOnline(record);
    await waitForGuests(record);
  };
  return {
    record,
    kind: kindOf(record),
    patience: machinesOf(record).patience,
    facts,
    repo: repositoryOf(record),
    binDir,
    env: { PATH: [binDir, process.env['PATH'] ?? ''].join(delimiter) },
    identityFile: identityOf(record),
    address: (name) => addressOf(record, name),
    run: (node, argv, runOptions) => runOn(record, node, argv, runOptions),
    power: {
      off: (host) => powerOff(record, host),
      on: (host) => powerOn(record, host),
      reboot: async (host) => {
        await powerOff(record, host);
        await powerOn(record, host);
      },
    },
    cut: (host) => setCable(record, host, 'down'),
    heal: (host) => setCable(record, host, 'up'),
    replaceRootDisk: (host) => replaceRootDisk(record, host),
    pool: {
      fill: async (host) => {
        await checkOn(record, host, machinesOf(record).pool.fill);
      },
      free: async (host) => {
        await checkOn(record, host, machinesOf(record).pool.free);
      },
    },
    makeBare: async () => {
      await makeBare(record);
      await importImage(record, join(record.golden, GUEST_IMAGE));
    },
    online,
    memberIs: (member, status) => waitForStatus(record, member, status, member === 'n1' ? 'n2' : 'n1'),
    publishWeb: (release) => publishWeb(record, join(record.golden, 'web.tar'), release),
    setSpec: (node, change) => setSpec(record, node, change),
    installTools: (progress = () => undefined, only) => installTools(binDir, progress, only),
    reset: () => rewind(record),
    stop: () => endRun(record),
  };
}

function addressOf(record: RunRecord, name: string): string {
  const node = NODES.find((each) => each.name === name);
  if (node === undefined) throw new Error(`Expected one of ${NODES.map((each) => each.name).join(', ')}, got ${name}`);
  return address(record.number, node);
}

/** Back to the golden state from whatever the run is in, nothing included. Waits until all is well. */
async function rewind(record: RunRecord): Promise<void> {
  await killCgroup(cgroupOf(record, 'machine'));
  await loadControlSide(record);
  const facts = await readFacts(record.golden);
  await writeControl(record);
  await writeRepository(record, facts);
  await writeKnownHosts(record, facts);
  await Promise.all([startRegistry(record), machinesOf(record).rewind(record)]);
  await Promise.all([waitOnline(record), waitForGuests(record), waitForSystems(record)]);
}

/** The golden store, images and keys in place of whatever the run has. */
async function loadControlSide(record: RunRecord): Promise<void> {
  for (const part of ['control', 'registry', 'repository', 'keys'])
    await rm(join(record.folder, part), { recursive: true, force: true });
  for (const part of ['control', 'registry']) await mkdir(join(record.folder, part));
  await Promise.all([
    copyDisk(join(record.golden, 'control', 'nix'), join(record.folder, 'control')),
    copyDisk(join(record.golden, 'registry', 'data'), join(record.folder, 'registry')),
    copyDisk(join(record.golden, 'keys'), record.folder),
  ]);
}
