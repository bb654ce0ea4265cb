import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createDeps } from '../../activities/index.ts';
import { replicate } from '../../activities/replicate.ts';
import type { Deps } from '../../activities/deps.ts';
import { knownHostsLine } from '../../hosts/ssh-options.ts';
import type { Lab } from '../../lab/api.ts';
import { backupSnapshot, type ReplicaPair } from '../../plan/nightly-backup.ts';
import { FROM, placeOf, type Way } from './ways.ts';

/** Datasets on one real host whose copies go to another. */
export interface CopyStage {
  /** Writes new random data into each dataset and takes a snapshot of each, named after a new run. */
  write(datasets: readonly string[], kilobytes: number): Promise<Snapshot>;
  /** Copies, and answers with how long it took: milliseconds. Throws where not all copies have the snapshot. */
  copy(way: Way, datasets: readonly string[], to: Snapshot, base?: Snapshot): Promise<number>;
  /** Takes away all that was made. */
  clear(ways: readonly Way[]): Promise<void>;
}

export interface Snapshot {
  run: string;
  /** As ZFS has it, without the `@`. */
  name: string;
}

const [SENDER, RECEIVER] = ['n1', 'n2'] as const;
const KEY = '/root/.ssh/id_ed25519';

/** With a key on the sender that the receiver lets in, as every way needs it. */
export async function copyStage(
  lab: Lab,
  folder: string,
  listening: (deps: Deps) => Deps = (deps) => deps,
): Promise<{ stage: CopyStage; close: () => Promise<void> }> {
  const receiver = lab.address(RECEIVER);
  const shell = async (host: string, script: string): Promise<string> => {
    const { exitCode, stdout, stderr } = await lab.run(host, ['bash', '-euo', 'pipefail', '-c', script]);
    if (exitCode !== 0) throw new Error(`Expected ${script} on ${host} to succeed: ${stderr}`);
    return stdout;
  };
  const put = async (path: string, input: string): Promise<void> => {
    const { exitCode, stderr } = await lab.run(SENDER, ['sh', '-c', 'umask 77; cat >"$1"', 'sh', path], { input });
    if (exitCode !== 0) throw new Error(stderr);
  };
  await put(KEY, await readFile(lab.identityFile, 'utf8'));
  const hostKey = lab.facts.hostKeys[RECEIVER] ?? '';
  await put('/root/.ssh/known_hosts', knownHostsLine(receiver, hostKey));
  const { deps: own, close } = createDeps({ repo: lab.repo, stateDir: join(folder, 'state'), env: lab.env });
  const deps = listening(own);
  const revision = await lab.setSpec(SENDER, {});
  let runs = 0;

  const byScript = async (script: string): Promise<number> => {
    const timed = `started=$(date +%s%3N)\n{ ${script}\n} >&2\necho $(($(date +%s%3N) - started))`;
    return Number((await shell(SENDER, timed)).trim());
  };
  const copied = async (way: Way, datasets: readonly string[], { name }: Snapshot): Promise<void> => {
    const list = `zfs list -Ht snapshot -o name -r ${placeOf(way)} | grep -c '@${name}$' || true`;
    const found = Number(await shell(RECEIVER, list));
    if (found !== datasets.length) throw new Error(`${way.name} made ${found} copies of ${datasets.length}.`);
  };
  return {
    close,
    stage: {
      write: async (datasets, kilobytes) => {
        runs += 1;
        const run = `runbook-20260101-0000-${runs.toString(16).padStart(4, '0')}`;
        const name = `snapshot-${backupSnapshot(run)}`;
        const each = `zfs list -H ${FROM}/$d >/dev/null 2>&1 || zfs create -p -o mountpoint=/from/$d ${FROM}/$d
          head -c ${kilobytes}K /dev/urandom >/from/$d/${runs}`;
        await shell(SENDER, `for d in ${datasets.join(' ')}; do ${each}; done; sync; zfs snapshot -r ${FROM}@${name}`);
        return { run, name };
      },
      copy: async (way, datasets, to, base) => {
        const at = { receiver: `root@${receiver}`, datasets, to: to.name };
        await shell(
          RECEIVER,
          `zfs list -H ${placeOf(way)} >/dev/null 2>&1 || zfs create -o canmount=off ${placeOf(way)}`,
        );
        const tookMs =
          way.script === undefined
            ? await byRunbook(deps, { revision }, to.run, pairOf(way, datasets, hostKey))
            : await byScript(way.script({ ...at, ...(base === undefined ? {} : { base: base.name }) }));
        await copied(way, datasets, to);
        return tookMs;
      },
      clear: async (ways) => {
        await destroy(shell, RECEIVER, ways.map(placeOf));
        await destroy(shell, SENDER, [FROM]);
      },
    },
  };
}

/** With what is held. */
async function destroy(
  shell: (host: string, script: string) => Promise<string>,
  host: string,
  datasets: readonly string[],
): Promise<void> {
  const release = `xargs -r zfs holds -H | awk -F '\\t' '{ print $2; print $1 }' | xargs -r -n 2 zfs release`;
  for (const dataset of datasets)
    await shell(
      host,
      `if zfs list -H ${dataset} >/dev/null 2>&1; then
        zfs list -Ht snapshot -o name -r ${dataset} | ${release}; zfs destroy -r ${dataset}; fi`,
    );
}

function pairOf(way: Way, datasets: readonly string[], hostKey: string): ReplicaPair {
  const path = { type: 'direct' as const, user: 'root', port: 22, identityFile: KEY, hostKey };
  const keep = { last: 100, hourly: 0, daily: 0, weekly: 0, monthly: 0, yearly: 0 };
  return {
    id: 'bench',
    sender: SENDER,
    target: { type: 'zfs', member: RECEIVER, dataset: placeOf(way), path, keep },
    volumes: datasets.map((name) => ({ project: 'default', pool: 'local', name, dataset: `${FROM}/${name}` })),
  };
}

async function byRunbook(deps: Deps, fleet: { revision: string }, name: string, pair: ReplicaPair): Promise<number> {
  const context = { signal: new AbortController().signal, report: () => undefined, attempt: 1 };
  const started = performance.now();
  const copies = await replicate(deps, { fleet, name, pair, stallMs: 600_000 }, context);
  const tookMs = performance.now() - started;
  const failed = copies.find(({ outcome }) => outcome !== 'copied');
  if (failed !== undefined) throw new Error(`${failed.volume}: ${failed.problem?.message ?? failed.outcome}`);
  return tookMs;
}
