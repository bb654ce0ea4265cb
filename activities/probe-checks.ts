import { findNode } from '../fleet/names.ts';
import type { Fleet, Probe } from '../fleet/schema.ts';
import type { Host } from '../hosts/host.ts';
import { durationMs } from '../plan/duration.ts';
import { createIncus } from '../tools/incus.ts';
import { commandProbe, httpProbe, incusProbe, systemdProbe, tcpProbe, type From } from '../tools/probes.ts';
import type { Deps } from './deps.ts';
import type { Check } from './health.ts';

/** The declared probes of a member or guest, each as a check. */
export function probeChecks(deps: Deps, fleet: Fleet, node: string): Check[] {
  const found = findNode(fleet, node);
  if (found.type === 'unknown') return [];
  const { probes } = found.type === 'member' ? found.member : found.guest;
  return probes.map((probe) => ({
    node,
    check: probeName(probe),
    forMs: durationMs(probe.for),
    look: async (signal) => {
      const { type, detail } = await ask(deps, fleet, node, probe, signal);
      return { healthy: type === 'healthy', detail, final: type === 'not possible' };
    },
  }));
}

function ask(
  { machines }: Deps,
  fleet: Fleet,
  node: string,
  probe: Probe,
  signal: AbortSignal,
): ReturnType<typeof httpProbe> {
  const timeoutMs = durationMs(probe.timeout);
  const machine = machines.node(fleet, node);
  const place = { worker: 'worker', member: memberOf(machines, fleet, node), guest: machine } satisfies Record<
    string,
    From
  >;
  switch (probe.type) {
    case 'http': {
      const { url, status, contains, from } = probe;
      const wanted = { url, status, timeoutMs, ...(contains === undefined ? {} : { contains }) };
      return httpProbe(wanted, place[from], { signal });
    }
    case 'tcp':
      return tcpProbe({ host: probe.host, port: probe.port, timeoutMs }, place[probe.from], { signal });
    case 'systemd':
      return systemdProbe(machine, { units: probe.units, timeoutMs }, { signal });
    case 'command':
      return commandProbe(machine, { argv: probe.argv, timeoutMs }, { signal });
    case 'incus': {
      const incus = createIncus(memberOf(machines, fleet, node), { signal });
      return incusProbe(incus, { project: projectOf(fleet, node), instance: node, status: probe.status });
    }
  }
}

function memberOf(machines: Deps['machines'], fleet: Fleet, node: string): Host {
  const found = findNode(fleet, node);
  return machines.member(fleet, found.type === 'guest' ? found.guest.member : node);
}

function projectOf(fleet: Fleet, node: string): string {
  const found = findNode(fleet, node);
  return found.type === 'guest' ? found.guest.project : 'default';
}

/** As a person would name it. */
function probeName(probe: Probe): string {
  switch (probe.type) {
    case 'http':
      return probe.url;
    case 'tcp':
      return `${probe.host}:${probe.port}`;
    case 'systemd':
      return probe.units.join(', ');
    case 'command':
      return probe.argv.join(' ').slice(0, 80);
    case 'incus':
      return `incus ${probe.status}`;
  }
}
