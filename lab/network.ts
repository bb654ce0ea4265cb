import { check, run } from './shell.ts';
import { networkName, type RunRecord } from './run-record.ts';
import { hostNamed } from './nodes.ts';

/** The namespace that holds the switch: a bridge that hosts, the registry and the machine are plugged into. */
export const switchOf = (record: RunRecord): string => `${networkName(record)}-switch`;

const exists = async (argv: readonly string[]): Promise<boolean> => (await run(argv)).exitCode === 0;

/**
 * Makes the switch, and the machine's address in the run's own subnet, `10.89.R.1`. Idempotent.
 * The machine never has an address in `10.89.0.0/24`, so that labs side by side may share that one.
 */
export async function createSwitch(record: RunRecord): Promise<void> {
  const space = switchOf(record);
  if (await exists(['ip', '-n', space, 'link', 'show', 'br0'])) return;
  const name = networkName(record);
  // The same in each of the run's labs: a host that wakes from a saved state still knows them.
  const hardware = (last: string): string => `02:00:0a:59:${record.number.toString(16).padStart(2, '0')}:${last}`;
  await check(['ip', 'netns', 'add', space]);
  const inside = [
    'link set lo up',
    'link add br0 type bridge forward_delay 0',
    // A bridge without an address of its own takes a port's, and another one when that port goes.
    `link set br0 address ${hardware('00')}`,
    'link set br0 up',
    'addr add 10.89.0.2/24 dev br0',
    `addr add 10.89.${record.number}.2/24 dev br0`,
  ];
  await check(['ip', '-n', space, '-batch', '-'], { input: inside.join('\n') });
  const ends = ['address', hardware('01'), 'type', 'veth', 'peer', 'name', 'machine', 'netns', space];
  await check(['ip', 'link', 'add', name, ...ends]);
  await check(['ip', '-n', space, 'link', 'set', 'machine', 'master', 'br0', 'up']);
  await check(['ip', 'addr', 'add', `10.89.${record.number}.1/24`, 'dev', name]);
  await check(['ip', 'link', 'set', name, 'up']);
}

/** Removes every network namespace of the run, and with them its interfaces. Idempotent. */
export async function removeNetwork(record: RunRecord): Promise<void> {
  const spaces = (await check(['ip', 'netns', 'list'])).split('\n').map((line) => line.split(' ')[0] ?? '');
  for (const space of spaces.filter((name) => name.startsWith(`${networkName(record)}-`)))
    await run(['ip', 'netns', 'del', space]);
  await run(['ip', 'link', 'del', networkName(record)]);
}

/** Pulls the host's network cable, or plugs it in again. Idempotent; the host has to be on. */
export async function setCable(record: RunRecord, host: string, state: 'up' | 'down'): Promise<void> {
  await check(['ip', '-n', switchOf(record), 'link', 'set', hostNamed(host).name, state]);
}

/** Plugs a new tap device of the host's name into the switch, for an emulator to open. Idempotent. */
export async function plugTap(record: RunRecord, host: string): Promise<void> {
  const space = switchOf(record);
  await run(['ip', '-n', space, 'link', 'del', host]);
  await check(['ip', '-n', space, 'tuntap', 'add', 'dev', host, 'mode', 'tap']);
  await check(['ip', '-n', space, 'link', 'set', host, 'master', 'br0', 'up']);
}
