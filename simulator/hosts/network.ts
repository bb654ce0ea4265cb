import { existsSync, rmdirSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ToolError, Unknown, type Call } from '../core/call.ts';
import { machineOf } from '../core/store.ts';
import type { Machine, State } from '../core/state.ts';
import { listenAddress, MOUNTS } from '../incus/servers.ts';
import { isDaemonUp } from '../incus/view.ts';

/** How long nothing is heard before somebody gives up. */
const SILENCE_MS = 300;
/** As timeout(1), which is what a connection is tried with. */
const TIMED_OUT = 124;

/** `getent ahosts NAME`: every machine is known by its name and its address. */
export function getent(call: Call): number {
  const [database, name = '', ...rest] = call.args;
  if (database !== 'ahosts' || name === '' || rest.length > 0) throw new Unknown('expected ahosts NAME');
  const address = isIP(name) === 0 ? findMachine(call.store.read(), name)?.address : name;
  if (address === undefined) return 2;
  const line = (type: string, last = ''): string => `${address.padEnd(15)} ${type} ${last}\n`;
  call.out(line('STREAM', name) + line('DGRAM ') + line('RAW   '));
  return 0;
}

/** What `bash -c 'exec 3<>"/dev/tcp/$1/$2"' connect ADDRESS PORT` comes to in the simulated network. */
export async function connect(call: Call): Promise<number> {
  const [address = '', port = '', ...rest] = call.args;
  if (rest.length > 0 || !/^\d+$/.test(port)) throw new Unknown('expected ADDRESS PORT');
  const state = call.store.read();
  const target = findMachine(state, address);
  const isDeaf = machineOf(state, call.machine).power === 'cut off' && target?.name !== call.machine;
  if (target === undefined || target.power !== 'on' || isDeaf) {
    await sleep(SILENCE_MS * state.pace);
    return TIMED_OUT;
  }
  if (listens(state, target, port)) return 0;
  const why = 'Connection refused';
  throw new ToolError(`connect: connect: ${why}\nconnect: line 1: /dev/tcp/${address}/${port}: ${why}`);
}

function listens(state: State, machine: Machine, port: string): boolean {
  if (port === '22') return machine.units['sshd.service']?.active === 'active';
  if (machine.kind !== 'member' || !isDaemonUp(state, machine.name)) return false;
  return listenAddress(machine)?.endsWith(`:${port}`) === true;
}

function findMachine(state: State, host: string): Machine | undefined {
  return Object.values(state.machines).find(({ name, address }) => address === host || name === host);
}

/** `umount PATH`: what Incus mounts is the place of a pool that is a folder. */
export function umount(call: Call): number {
  const [given = '', ...rest] = call.args;
  const path = given.replace(call.root, '');
  const pool = /^\/var\/lib\/incus\/storage-pools\/([^/]+)$/.exec(path)?.[1];
  if (pool === undefined || rest.length > 0) throw new Unknown('expected the place of a pool');
  const mount = join(call.root, MOUNTS, pool);
  if (existsSync(mount)) {
    rmdirSync(mount);
    return 0;
  }
  throw new ToolError(`umount: ${path}: not mounted.`, 32);
}

/** `ip link delete NAME`: of the interfaces that Incus made. `ip -o address show to ADDRESS`: the machine has one. */
export async function ip(call: Call): Promise<number> {
  const [object, verb, name = '', ...rest] = call.args;
  if (call.args.slice(0, 4).join(' ') === '-o address show to' && call.args.length === 5) {
    const { address } = machineOf(call.store.read(), call.machine);
    if (call.args[4] === address) call.out(`2: eth0    inet ${address}/24 scope global eth0\n`);
    return 0;
  }
  if (object !== 'link' || verb !== 'delete' || name === '' || rest.length > 0)
    throw new Unknown('expected link delete NAME');
  await call.update((state) => {
    const { incus } = machineOf(state, call.machine);
    if (incus?.bridges?.includes(name) !== true) throw new ToolError(`Cannot find device "${name}"`);
    incus.bridges = incus.bridges.filter((each) => each !== name);
  });
  return 0;
}
