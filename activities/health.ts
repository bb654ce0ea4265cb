import { setTimeout as delay } from 'node:timers/promises';
import { findNode } from '../fleet/names.ts';
import type { Fleet } from '../fleet/schema.ts';
import { formatAge } from '../plan/duration.ts';
import type { Finding } from '../plan/observation.ts';
import { createIncus } from '../tools/incus.ts';
import { createSystemd } from '../tools/systemd.ts';
import type { HealthActivities, HealthInput, HealthReport } from './contract.ts';
import type { Deps } from './deps.ts';
import { guarded, type ActivityContext } from './guard.ts';
import { HostError } from '../hosts/host.ts';
import { redact } from '../hosts/redact.ts';
import { probeChecks } from './probe-checks.ts';

/** One thing that has to hold: asked again every second until it does or `forMs` is over. */
export interface Check {
  node: string;
  check: string;
  forMs: number;
  look: (signal: AbortSignal) => Promise<{ healthy: boolean; detail: string; final?: boolean }>;
}

/** An Incus daemon that was restarted is listed Online again within two heartbeats of 10 s and a margin. */
const CLUSTER_MS = 120_000;
/** A unit that systemd restarts by itself passes through failed states. */
const UNITS_MS = 30_000;
/** A guest that was just started. */
const RUNNING_MS = 120_000;
const AGAIN_MS = 1_000;
/** What is unhealthy for so long before an upgrade is its state, not a bad moment. */
const BRIEF_MS = 10_000;

export function createHealthActivities(deps: Deps): HealthActivities {
  return { checkHealth: guarded((input, context) => checkHealth(deps, input, context)) };
}

export async function checkHealth(deps: Deps, input: HealthInput, context: ActivityContext): Promise<HealthReport> {
  const fleet = await deps.fleetAt(input.fleet);
  const checks = [
    clusterCheck(deps, fleet, input),
    ...input.nodes.flatMap((node) => nodeChecks(deps, fleet, node, input)),
  ];
  let open = checks.length;
  const findings = await Promise.all(
    checks.map(async (check) => {
      const finding = await untilHealthy(check, input.patience, context.signal);
      open -= 1;
      context.report({ progress: open === 0 ? 'all asked' : `${open} of ${checks.length} not yet` });
      return finding;
    }),
  );
  findings.sort((a, b) => Number(a.healthy) - Number(b.healthy));
  return { healthy: findings.every(({ healthy }) => healthy), findings };
}

async function untilHealthy(
  { node, check, forMs, look }: Check,
  patience: HealthInput['patience'],
  signal: AbortSignal,
): Promise<Finding> {
  const begun = Date.now();
  for (let looks = 1; ; looks += 1) {
    const { healthy, detail, final } = await seen(look, signal);
    const windowMs = patience === 'patient' ? forMs : Math.min(forMs, BRIEF_MS);
    // A look that itself takes that long is still only one.
    const patient = final !== true && (looks < 2 || Date.now() - begun < windowMs);
    if (healthy || !patient) {
      const waited = Date.now() - begun;
      const since = healthy || waited < AGAIN_MS ? '' : `, for ${formatAge(waited)}`;
      return { node, check: redact(check), healthy, detail: `${redact(detail)}${since}` };
    }
    await delay(AGAIN_MS, undefined, { signal });
  }
}

/** A machine that cannot be asked is not healthy; that is an answer, not a failure. */
async function seen(look: Check['look'], signal: AbortSignal): ReturnType<Check['look']> {
  try {
    return await look(signal);
  } catch (error) {
    if (error instanceof HostError && error.type !== 'Cancelled') return { healthy: false, detail: error.message };
    throw error;
  }
}

function clusterCheck({ machines }: Deps, fleet: Fleet, { member, allowOffline }: HealthInput): Check {
  return {
    node: member,
    check: 'cluster',
    forMs: CLUSTER_MS,
    look: async (signal) => {
      const answer = await createIncus(machines.member(fleet, member), { signal }).members();
      if (answer.type !== 'members') return { healthy: false, detail: describeProblem(answer) };
      const away = answer.members.filter(({ name, status }) => status !== 'Online' && !allowOffline.includes(name));
      if (away.length === 0) return { healthy: true, detail: `${answer.members.length} members Online` };
      return { healthy: false, detail: away.map(({ name, status }) => `${name} is ${status}`).join(', ') };
    },
  };
}

function nodeChecks(deps: Deps, fleet: Fleet, node: string, { failedBefore }: HealthInput): Check[] {
  const units = unitsCheck(deps, fleet, node, failedBefore[node] ?? []);
  const found = findNode(fleet, node);
  const running = found.type === 'guest' ? [runningCheck(deps, fleet, node, found.guest)] : [];
  return [...running, units, ...probeChecks(deps, fleet, node)];
}

function unitsCheck({ machines }: Deps, fleet: Fleet, node: string, before: readonly string[]): Check {
  return {
    node,
    check: 'failed units',
    forMs: UNITS_MS,
    look: async (signal) => {
      const answer = await createSystemd(machines.node(fleet, node), { signal }).failedUnits();
      if (answer.type !== 'units') return { healthy: false, detail: describeProblem(answer) };
      const news = answer.units.map(({ unit }) => unit).filter((unit) => !before.includes(unit));
      return { healthy: news.length === 0, detail: news.length === 0 ? 'none new' : `${news.join(', ')} failed` };
    },
  };
}

function runningCheck(
  { machines }: Deps,
  fleet: Fleet,
  node: string,
  { member, project }: Fleet['guests'][string],
): Check {
  return {
    node,
    check: 'instance',
    forMs: RUNNING_MS,
    look: async (signal) => {
      const answer = await createIncus(machines.member(fleet, member), { signal }).instanceState(project, node);
      if (answer.type !== 'state') return { healthy: false, detail: describeProblem(answer) };
      return { healthy: answer.status === 'Running', detail: answer.status };
    },
  };
}

function describeProblem(problem: { type: string; message?: string; output?: string; what?: string }): string {
  return problem.message ?? problem.what ?? problem.output ?? problem.type;
}
