import { readFile } from 'node:fs/promises';
import { checkOn, inside, runOn } from './hosts.ts';
import { machinesOf } from './machines.ts';
import { GUESTS, type Node } from './nodes.ts';
import type { RunRecord } from './run-record.ts';
import { run as runHere, until } from './shell.ts';

/**
 * Creates the guests g1, g2, g3: systemd as init, `/usr` of their host, the volume `<guest>-data` at `/srv/data`.
 * @param image path of the image on the machine
 * @param hostKeys folder of `<guest>` and `<guest>.pub`, their ssh host keys
 */
export async function createGuests(record: RunRecord, image: string, hostKeys: string): Promise<void> {
  await importImage(record, image);
  for (const guest of GUESTS) await createGuest(record, guest, hostKeys);
  await Promise.all(GUESTS.map((guest) => waitRunning(record, guest)));
}

/** Gives n1 the guests' image, as `guest`. */
export async function importImage(record: RunRecord, image: string): Promise<void> {
  const copy = await runHere([
    'sh',
    '-c',
    'exec "$@" <"$0"',
    image,
    ...(await inside(record, 'n1', ['sh', '-c', 'cat >/root/guest.tar.gz'])),
  ]);
  if (copy.exitCode !== 0) throw new Error(`the guests' image cannot be copied to n1: ${copy.stderr}`);
  await checkOn(record, 'n1', ['incus', 'image', 'import', '-q', '/root/guest.tar.gz', '--alias', 'guest']);
  await checkOn(record, 'n1', ['rm', '/root/guest.tar.gz']);
}

async function createGuest(record: RunRecord, guest: Node, hostKeys: string): Promise<void> {
  const { name, host } = guest;
  const incus = (argv: string[], input?: string): Promise<void> => incusOnFirst(record, argv, input);
  const config = ['-c', 'security.nesting=true', '-c', 'boot.autostart=true'];
  await incus(['init', '-q', 'guest', name, '--target', host, ...config]);
  const disk = ['config', 'device', 'add', '-q', name];
  await incus([...disk, 'usr', 'disk', 'source=/usr', 'path=/usr', 'readonly=true']);
  await incus([...disk, 'lab', 'disk', 'source=/etc/lab', 'path=/etc/lab', 'readonly=true']);
  await incus(['storage', 'volume', 'create', '-q', 'local', `${name}-data`, '--target', host]);
  await incus([...disk, 'data', 'disk', 'pool=local', `source=${name}-data`, 'path=/srv/data']);
  for (const [file, mode, to] of [
    [name, '0600', 'ssh_host_ed25519_key'],
    [`${name}.pub`, '0644', 'ssh_host_ed25519_key.pub'],
  ] as const) {
    const content = await readFile(`${hostKeys}/${file}`, 'utf8');
    await incus(['file', 'push', '-q', '--mode', mode, '-', `${name}/etc/ssh/${to}`], content);
  }
  await incus(['start', '-q', name]);
}

/**
 * On n1. A member that has just joined, or that was slow for a moment, is one that n1 hears nothing of: it then refuses
 * before it has done anything, and connects again within seconds.
 */
async function incusOnFirst(record: RunRecord, argv: readonly string[], input?: string): Promise<void> {
  const command = ['incus', ...argv];
  const attempt = async (): Promise<{ value: undefined } | { not: string }> => {
    const { exitCode, stdout, stderr } = await runOn(record, 'n1', command, input === undefined ? {} : { input });
    if (exitCode === 0) return { value: undefined };
    if (/Missing event connection with target cluster member/.test(stderr)) return { not: stderr.trim() };
    throw new Error(`n1: ${command.join(' ')}: exit code ${exitCode}\n${stdout}${stderr}`.trimEnd());
  };
  const timeoutMs = 30_000 * machinesOf(record).patience;
  await until(`n1: ${command.join(' ')}`, attempt, { timeoutMs, everyMs: 1_000 });
}

/** Waits until systemd in the guest says `running`, which is: nothing failed. */
async function waitRunning(record: RunRecord, guest: Node): Promise<void> {
  const { patience } = machinesOf(record);
  const isRunning = async (): Promise<{ value: undefined } | { not: string }> => {
    const timeoutMs = 10_000 * patience;
    const { stdout, stderr } = await runOn(record, guest.name, ['systemctl', 'is-system-running'], { timeoutMs });
    return stdout.trim() === 'running' ? { value: undefined } : { not: `${stdout}${stderr}`.trim() };
  };
  await until(`systemd in ${guest.name}`, isRunning, { timeoutMs: 60_000 * patience });
}
