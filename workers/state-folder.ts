import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

import type { Environment } from './environment.ts';

/** `RUNBOOK_STATE`, or `runbook` in the user's state folder: the development server's data, logs, jobs. */
export function stateFolder(env: Environment): string {
  const xdg = env['XDG_STATE_HOME'];
  const base = xdg !== undefined && isAbsolute(xdg) ? xdg : join(env['HOME'] ?? homedir(), '.local', 'state');
  return env['RUNBOOK_STATE'] ?? join(base, 'runbook');
}
