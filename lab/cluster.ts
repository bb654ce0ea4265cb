import { hostNamed, HOSTS, GUESTS, address } from './nodes.ts';
import { checkOn, replaceRootDisk, runOn } from './hosts.ts';
import { machinesOf } from './machines.ts';
import type { RunRecord } from './run-record.ts';
import { until } from './shell.ts';

/** Of how long the hosts of this run may take for what takes seconds. */
const patient = (record: RunRecord, ms = 60_000): number => ms * machinesOf(record).patience;

const preseed = (record: RunRecord, host: string, config: object): Promise<string> =>
  // JSON is YAML, which is what init reads.
  checkOn(record, host, ['incus', 'admin', 'init', '--preseed'], { input: JSON.stringify(config) });

/** Waits until the host's own Incus answers. */
async function waitForIncus(record: RunRecord, host: string): Promise<void> {
  const answers = async (): Promise<{ value: undefined } | { not: string }> => {
    const timeoutMs = patient(record, 5000);
    const { exitCode, stderr } = await runOn(record, host, ['incus', 'query', '/1.0'], { timeoutMs });
    return exitCode === 0 ? { value: undefined } : { not: stderr.trim() };
  };
  await until(`Incus on ${host}`, answers, { timeoutMs: patient(record) });
}

/** Takes everything from the hosts: newly installed, each with an Incus of its own, the place of the pool empty. */
export async function makeBare(record: RunRecord): Promise<void> {
  const { pool } = machinesOf(record);
  await Promise.all(
    HOSTS.map(async ({ name }) => {
      await replaceRootDisk(record, name);
      await waitForIncus(record, name);
      await checkOn(record, name, pool.clear);
      await checkOn(record, name, pool.create);
    }),
  );
}

/** Makes one cluster of fresh hosts: storage pool `local`, and a bridge that guests share with their host. */
export async function formCluster(record: RunRecord): Promise<void> {
  const { storage, pool, offlineThreshold } = machinesOf(record);
  await Promise.all(
    HOSTS.map(async (host) => {
      await waitForIncus(record, host.name);
      await checkOn(record, host.name, pool.create);
    }),
  );
  const [first, ...others] = HOSTS;
  if (first === undefined) return;
  await preseed(record, first.name, {
    config: { 'core.https_address': `${address(0, first)}:8443` },
    storage_pools: [{ name: 'local', driver: storage.driver, config: { source: storage.source } }],
    profiles: [
      {
        name: 'default',
        devices: {
          root: { path: '/', pool: 'local', type: 'disk' },
          eth0: { type: 'nic', nictype: 'bridged', parent: 'br0', name: 'eth0' },
        },
      },
    ],
    cluster: { server_name: first.name, enabled: true },
  });
  for (const host of others) {
    const token = (await checkOn(record, first.name, ['incus', 'cluster', 'add', '-q', host.name])).trim();
    await preseed(record, host.name, {
      cluster: {
        enabled: true,
        server_name: host.name,
        server_address: `${address(0, host)}:8443`,
        cluster_token: token.split('\n').at(-1),
        member_config: [{ entity: 'storage-pool', name: 'local', key: 'source', value: storage.source }],
      },
    });
  }
  await checkOn(record, first.name, ['incus', 'config', 'set', `cluster.offline_threshold=${offlineThreshold}`]);
  await waitOnline(record);
}

interface ListedMember {
  server_name: string;
  status: string;
  message: string;
}

/** Waits until a member has this status in the list that `from` gives. */
export async function waitForStatus(record: RunRecord, member: string, status: string, from: string): Promise<void> {
  const look = async (): Promise<{ value: undefined } | { not: string }> => {
    const timeoutMs = patient(record, 5000);
    const { stdout } = await runOn(record, from, ['incus', 'cluster', 'list', '-f', 'json'], { timeoutMs });
    const seen =
      stdout === '' ? undefined : (JSON.parse(stdout) as ListedMember[]).find((each) => each.server_name === member);
    return seen?.status === status ? { value: undefined } : { not: seen?.status ?? 'no answer' };
  };
  await until(`${member} ${status}`, look, { timeoutMs: patient(record) });
}

/** Waits until the first host lists every member as Online. */
export async function waitOnline(record: RunRecord, timeoutMs = patient(record)): Promise<void> {
  const { name: from } = hostNamed('n1');
  const argv = ['incus', 'cluster', 'list', '-f', 'json'];
  await until(
    'three members Online',
    async () => {
      const { exitCode, stdout, stderr } = await runOn(record, from, argv, {
        timeoutMs: patient(record, 5000),
      });
      if (exitCode !== 0) return { not: stderr.trim() || 'incus cluster list does not answer (no quorum?)' };
      const members = JSON.parse(stdout) as ListedMember[];
      const missing = members.filter((member) => member.status !== 'Online');
      if (members.length === HOSTS.length && missing.length === 0) return { value: undefined };
      return { not: missing.map((member) => `${member.server_name}: ${member.status}, ${member.message}`).join('; ') };
    },
    { timeoutMs },
  );
  // The others call a member Online by its heartbeat, which comes before its server takes requests.
  const ready = ['incus', 'admin', 'waitready', `--timeout=${Math.ceil(timeoutMs / 1000)}`];
  for (const { name } of HOSTS) {
    const { exitCode, stderr } = await runOn(record, name, ready, { timeoutMs });
    if (exitCode !== 0) throw new Error(`Incus on ${name} does not take requests: ${stderr.trim()}`);
  }
}

/** Waits until the page of the container web answers in every guest, whatever it says. */
export function waitForGuests(record: RunRecord): Promise<void> {
  return waitForPages(record, 'the container web', 8081);
}

/** Waits until what the guests' systems run answers, whatever it says. */
export function waitForSystems(record: RunRecord): Promise<void> {
  return waitForPages(record, 'lab-app.service', 8080);
}

async function waitForPages(record: RunRecord, what: string, port: number): Promise<void> {
  await Promise.all(
    GUESTS.map((guest) =>
      until(
        `${what} in ${guest.name}`,
        async () => {
          try {
            await fetch(`http://${address(record.number, guest)}:${port}/cgi-bin/health`, {
              signal: AbortSignal.timeout(patient(record, 2000)),
            });
            return { value: undefined };
          } catch (error) {
            return {
              not: error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error),
            };
          }
        },
        { timeoutMs: patient(record) },
      ),
    ),
  );
}
