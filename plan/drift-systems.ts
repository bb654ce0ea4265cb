import { isProblem, unknownRow, type DriftRow, type SystemSeen } from './drift-seen.ts';
import type { Problem } from './problem.ts';
import { needsReboot } from './reboot.ts';

/** Whether the machine runs what boots next, and whether that is what the monorepo gives. Pure. */
export function systemRows({ node, system, closure }: SystemSeen, revision: string): DriftRow[] {
  const unknown = (problem: Pick<Problem, 'message' | 'whatToDo'>): DriftRow[] => [
    unknownRow(`NixOS of ${node}`, node, problem),
  ];
  if (isProblem(system)) return unknown(system);
  const [activation] = system.activations;
  if (activation !== undefined)
    return unknown({
      message: `an activation is at work: ${activation}`,
      whatToDo: `When it is over: runbook start drift --node ${node}`,
    });
  const row = (what: string, declared: string, found: string): DriftRow => ({
    ...{ kind: 'nixos', subject: `${node}: ${what}`, where: node, declared, found },
    whatToDo: `runbook start safe-upgrade --node ${node}`,
  });
  const { profilePath, runningPath, generation } = system;
  const boots = `${labelOf(profilePath)}, generation ${generation}`;
  const rows =
    runningPath === profilePath ? [] : [row('running system', `${boots}, which boots next`, labelOf(runningPath))];
  if (closure === undefined) return rows;
  if (isProblem(closure)) return [...rows, ...unknown(closure)];
  if (closure.path !== profilePath)
    return [...rows, row('generation', `${labelOf(closure.path)}, revision ${revision}`, boots)];
  if (rows.length === 0 && needsReboot(system.booted, closure.parts))
    return [row('kernel', `that of ${labelOf(closure.path)}`, 'an older one: it was not booted since')];
  return rows;
}

/** `nixos-system-edge-vm-26.05.1 (xk3f9ab)`: releases of one version differ in the hash. */
function labelOf(path: string): string {
  const [, hash = '', name = path] = /^\/nix\/store\/([0-9a-z]+)-(.+)$/.exec(path) ?? [];
  return hash === '' ? name || 'none' : `${name} (${hash.slice(0, 7)})`;
}
