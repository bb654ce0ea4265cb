import { UI_OFFSET } from '../../workers/ports.ts';
import { runPage } from '../../workers/web-ui.ts';
import type { Connected } from './connect.ts';
import type { RunRef } from './read-run.ts';

/**
 * A run's page in the Web UI; undefined where nobody said where that is. `RUNBOOK_UI` says it for servers elsewhere,
 * as `https://temporal.lan:8080`; a development server on this machine is known.
 */
export function runAddress(connected: Connected, run: RunRef): string | undefined {
  const base = connected.uiAddress ?? localUi(connected.address);
  return base === undefined ? undefined : runPage(base, connected.namespace, run);
}

/** `temporal server start-dev` puts its UI at a fixed distance from its port. */
function localUi(address: string): string | undefined {
  const [, host, port] = /^(localhost|127\.0\.0\.1|\[::1\]):(\d+)$/.exec(address) ?? [];
  return host === undefined ? undefined : `http://${host}:${Number(port) + UI_OFFSET}`;
}
