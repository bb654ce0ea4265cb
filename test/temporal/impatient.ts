import type { Machines } from '../../activities/machines.ts';
import type { Host } from '../../hosts/host.ts';

/** A read of Incus has half a minute, and an answer of the simulation takes far less than this on any machine. */
const READ_MS = 30_000;
const SOONER_MS = 8_000;

/** The same machines, where a read of Incus that hangs is given up sooner: without quorum all of them hang. */
export function impatient(machines: Machines): Machines {
  const soon = (host: Host): Host => ({
    ...host,
    run: (argv, options) =>
      host.run(
        argv,
        argv[0] === 'incus' && options.timeoutMs === READ_MS ? { ...options, timeoutMs: SOONER_MS } : options,
      ),
  });
  return {
    ...machines,
    member: (fleet, name) => soon(machines.member(fleet, name)),
    node: (fleet, name) => soon(machines.node(fleet, name)),
  };
}
