import type { Incus } from '../tools/incus.ts';
import { failure, toolFailure } from './failure.ts';

interface Instance {
  project: string;
  name: string;
}

/** Asks it to shut down, and pulls the plug where it does not. Idempotent. */
export async function stopForSure(incus: Incus, { project, name }: Instance): Promise<void> {
  const stopped = await incus.stopInstance(project, name, { timeoutSeconds: 60, force: false });
  if (stopped.type === 'did not stop') {
    const forced = await incus.stopInstance(project, name, { timeoutSeconds: 30, force: true });
    if (forced.type !== 'stopped' && forced.type !== 'already stopped')
      throw forced.type === 'did not stop'
        ? failure('Unexpected', `${name} does not stop: ${forced.message}`)
        : toolFailure(`Stopping ${name}`, forced);
  } else if (stopped.type !== 'stopped' && stopped.type !== 'already stopped')
    throw toolFailure(`Stopping ${name}`, stopped);
}

/** Idempotent. */
export async function startOn(incus: Incus, { project, name }: Instance, member: string): Promise<void> {
  const started = await incus.startInstance(project, name);
  if (started.type === 'member evacuated')
    throw failure('Busy', `${member} is evacuated, so ${name} cannot start there.`);
  if (started.type !== 'started' && started.type !== 'already running') throw toolFailure(`Starting ${name}`, started);
}
