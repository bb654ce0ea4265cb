import { createHash, randomUUID } from 'node:crypto';
import type { Machine, Unit } from '../core/state.ts';

/** `caddy` → `caddy.service`, as systemctl completes names. */
export function unitName(text: string): string {
  return /\.(service|socket|timer|target|mount|scope|slice|path)$/.test(text) ? text : `${text}.service`;
}

export function installedUnit(description: string, options: { container?: string } = {}): Unit {
  return {
    description,
    active: 'active',
    sub: 'running',
    origin: 'installed',
    result: 'success',
    execMainStatus: 0,
    pid: 0,
    invocationId: randomUUID().replaceAll('-', ''),
    startedAt: new Date().toISOString(),
    properties: {},
    ...options,
  };
}

/** Starts an installed unit, and a new container from the image that its tag names now. False where it failed. */
export function startUnit(machine: Machine, name: string, works = true): boolean {
  const unit = machine.units[name];
  if (!unit) return false;
  unit.invocationId = randomUUID().replaceAll('-', '');
  unit.startedAt = new Date().toISOString();
  const succeeded = works && (unit.container === undefined || createContainer(machine, unit.container));
  unit.active = succeeded ? 'active' : 'failed';
  unit.sub = succeeded ? 'running' : 'failed';
  unit.result = succeeded ? 'success' : 'exit-code';
  unit.execMainStatus = succeeded ? 0 : 1;
  return succeeded;
}

export function stopUnit(machine: Machine, name: string): void {
  const unit = machine.units[name];
  if (!unit) return;
  unit.active = 'inactive';
  unit.sub = 'dead';
  unit.result = 'success';
  const container = unit.container === undefined ? undefined : machine.containers[unit.container];
  if (container) container.running = false;
}

/** As `podman run --rm` in a unit: the old container is gone, the new one is from what the engine has under the tag. */
export function createContainer(machine: Machine, name: string): boolean {
  const container = machine.containers[name];
  const digest = container && machine.images[container.image];
  if (!container || digest === undefined) return false;
  container.digest = digest;
  container.running = true;
  container.startedAt = new Date().toISOString();
  container.id = createHash('sha256').update(`${name} ${digest} ${container.startedAt}`).digest('hex');
  return true;
}
