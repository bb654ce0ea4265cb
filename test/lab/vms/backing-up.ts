import type { WorkflowHandle } from '@temporalio/client';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { Lab } from '../../../lab/api.ts';
import type { RunView } from '../../../plan/run.ts';
import { TASK_QUEUE, VIEW_QUERY } from '../../../workflows/messages.ts';
import type { nightlyBackup } from '../../../workflows/nightly-backup.ts';
import { eventually } from '../../hosts/eventually.ts';
import { viewOf } from '../../temporal/simulated-fleet.ts';
import { handsOn } from '../hands.ts';
import type { LabWorker } from '../worker.ts';

export const SOURCE = 'tank/incus/custom/default_g1-data';
/** Of a private key on n1 that n2 lets in: {@link BackingUp.giveKey}. */
export const KEY = '/root/replication-key';

export type Run = WorkflowHandle<typeof nightlyBackup>;

export interface Declared {
  /** The dataset on n2 that the replica is in. */
  place?: string;
  keep?: object;
  direct?: boolean;
  /** Into the entry. */
  more?: object;
  /** More entries. */
  entries?: object;
  /** More volumes of g1. */
  volumes?: readonly string[];
  policy?: object;
  /** Of g1 itself. */
  guest?: object;
}

interface FleetFile {
  guests: { g1: object };
  policies?: object;
}

/** Backing up the volume of g1, which lies on n1, to n2; and a look at both sides. */
export interface BackingUp {
  declare: (declared?: Declared) => Promise<void>;
  /** Of what was declared last. */
  revision: () => string;
  giveKey: () => Promise<void>;
  start: () => Promise<Run>;
  backUp: () => Promise<RunView>;
  write: (name: string, megabytes: number) => Promise<void>;
  sumsOfSource: () => Promise<string>;
  /** What the newest snapshot of the replica has in it, by a clone that is gone afterwards. */
  sumsOfReplica: () => Promise<string>;
  /** Their names without the dataset, oldest first. */
  snapshotsOn: (host: string, dataset: string) => Promise<string[]>;
  replica: () => string;
  token: () => Promise<string>;
  /** Resolves once so much of the transfer has come that a loss of power leaves a part of it. */
  underWay: () => Promise<void>;
}

const volumesOf = (...names: string[]): object[] => names.map((name) => ({ pool: 'local', name }));
const SUMS = 'find . -type f -exec sha256sum {} + | sort';

export function backingUp(lab: () => Lab, worker: () => LabWorker): BackingUp {
  const { text } = handsOn(lab);
  let place = 'tank/replicas';
  let revision = '';
  const replica = (): string => `${place}/g1-data`;
  const start = (): Promise<Run> =>
    worker().env.client.workflow.start<typeof nightlyBackup>('nightlyBackup', {
      taskQueue: TASK_QUEUE,
      workflowId: 'nightly-backup/all',
      args: [{ fleet: { revision }, actor: 'tester', planOnly: false }],
    });
  return {
    declare: async (declared = {}) => {
      ({ place = 'tank/replicas' } = declared);
      const {
        keep = { last: 2, daily: 0 },
        direct = false,
        more = {},
        entries = {},
        volumes = [],
        policy = {},
        guest = {},
      } = declared;
      const file = join(lab().repo, 'runbook.yaml');
      const way = { type: 'direct', identityFile: KEY, hostKey: lab().facts.hostKeys['n2'] ?? '' };
      const to = [{ type: 'zfs', member: 'n2', dataset: place, keep, ...(direct ? { path: way } : {}) }];
      const fleet = parse(await readFile(file, 'utf8')) as FleetFile;
      const guests = {
        ...fleet.guests,
        g1: { ...fleet.guests.g1, volumes: volumesOf('g1-data', ...volumes), ...guest },
      };
      const backups = { g1: { guest: 'g1', volumes: ['g1-data'], to, ...more }, ...entries };
      const policies = { ...fleet.policies, backup: policy };
      await writeFile(file, stringify({ ...fleet, guests, backups, policies }));
      revision = (await lab().setSpec('n1', {})).trim();
    },
    revision: () => revision,
    giveKey: async () => {
      const input = await readFile(lab().identityFile, 'utf8');
      await lab().run('n1', ['sh', '-c', 'umask 77; cat >"$1"', 'sh', KEY], { input });
    },
    start,
    backUp: async () => viewOf(await start()),
    write: async (name, megabytes) => {
      await text(
        'g1',
        'sh',
        '-ec',
        `dd if=/dev/urandom of=/srv/data/${name} bs=1M count=${megabytes} 2>/dev/null; sync`,
      );
    },
    sumsOfSource: () => text('g1', 'sh', '-ec', `cd /srv/data; ${SUMS}`),
    sumsOfReplica: () =>
      text(
        'n2',
        'sh',
        '-ec',
        `newest=$(zfs list -Ht snapshot -o name -s createtxg ${replica()} | tail -1)
        zfs clone -o mountpoint=/mnt/look "$newest" tank/look
        cd /mnt/look; ${SUMS}
        cd /; zfs destroy tank/look`,
      ),
    snapshotsOn: async (host, dataset) =>
      (await text(host, 'zfs', 'list', '-Ht', 'snapshot', '-o', 'name', '-s', 'createtxg', dataset))
        .split('\n')
        .filter((name) => name !== '')
        .map((name) => name.replace(/^.*@/, '')),
    replica,
    token: () => text('n2', 'zfs', 'get', '-Ho', 'value', 'receive_resume_token', replica()),
    underWay: () =>
      eventually(
        'a part has arrived',
        async () => {
          const { exitCode, stdout } = await lab().run('n2', ['zfs', 'get', '-Hpo', 'value', 'used', replica()]);
          return exitCode === 0 && Number(stdout) > 5_000_000;
        },
        5 * 60_000,
      ),
  };
}

export const runningStep = async (run: Run): Promise<string | undefined> =>
  (await run.query<RunView>(VIEW_QUERY)).steps.find(({ state }) => state === 'running')?.id;
