import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { main } from '../../cli/program.ts';
import { createSimulation, type Simulation } from '../../simulator/create.ts';
import { referenceFleetFile } from '../../simulator/reference-fleet.ts';
import { startDevServer, type DevServer } from '../../workers/dev-server.ts';
import { findFreePort } from '../../workers/ports.ts';
import { scheduleId } from '../../workflows/messages.ts';
import { testIo } from '../cli/io.ts';
import { eventually as until } from '../hosts/eventually.ts';

const executable = process.env['RUNBOOK_TEMPORAL'] ?? 'set by global-setup.mjs';
const MINUTE_MS = 60_000;
/** Sooner than this nobody is told that a run was missed. */
const LATER_MS = 7 * MINUTE_MS;
/** What the server had in hand when it was killed it takes up again a while later. */
const RECOVERY_MS = 60_000;
/** Temporal takes none that is shorter. */
const SHORT_MS = 10_000;

let folder: string;
let server: DevServer;
let simulation: Simulation;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runbook-schedules-'));
  simulation = await createSimulation(join(folder, 'fleet'), { pace: 0 });
  server = await startDevServer({ executable, folder, port: await findFreePort() });
}, 60_000);
afterEach(async () => {
  await server.stop();
  simulation.dispose();
  await rm(folder, { recursive: true });
}, 60_000);

async function run(argv: string[], { inMs = 0 } = {}): Promise<string> {
  const io = testIo({ cwd: simulation.repoDir, env: { TEMPORAL_ADDRESS: server.address } });
  await main(argv, { ...io, now: () => Date.now() + inMs });
  return io.out() + io.err();
}

/** A schedule of which the server had not yet written down anything is stuck after a kill: that is not what is tested. */
async function isAtRest(name: string): Promise<boolean> {
  const connection = await Connection.connect({ address: server.address });
  try {
    const scheduler = new Client({ connection }).workflow.getHandle(
      `temporal-sys-scheduler:${scheduleId('homelab', name)}`,
    );
    const { raw, historyLength } = await scheduler.describe();
    return raw.pendingWorkflowTask === null && historyLength > 3;
  } finally {
    await connection.close();
  }
}

/** Dies without a word, as in a power cut, and is back later. */
async function outage(untilMs: number): Promise<void> {
  process.kill(server.pid, 'SIGKILL');
  await delay(untilMs - Date.now());
  await server.stop();
  server = await startDevServer({ executable, folder, port: await findFreePort() });
}

describe('a schedule whose time passes while the server is down', () => {
  it('is made up for within its catch-up window, and beyond it is reported until one has begun', async () => {
    // The next minute that is far enough away to be applied before.
    const due = Math.ceil((Date.now() + 15_000) / MINUTE_MS) * MINUTE_MS;
    const at = new Date(due).toISOString().slice(11, 16);
    const schedule = (catchUp: string): string =>
      `{ runbook: identity-backup, at: "${at}", timeZone: UTC, catchUp: ${catchUp} }`;
    simulation.setFleetFile(
      `${referenceFleetFile()}identity:\n  recipients: [age1${'q'.repeat(58)}]\nschedules:\n  long: ${schedule('1h')}\n  short: ${schedule('10s')}\n`,
    );
    expect(await run(['schedules', 'apply', '--yes'])).toContain('Done.');
    await until(
      'the schedules to be at rest',
      async () => (await isAtRest('long')) && (await isAtRest('short')),
      20_000,
    );
    await outage(due + 2 * SHORT_MS);

    const listed = (pattern: RegExp) => async (): Promise<boolean> => pattern.test(await run(['schedules', 'list']));
    await until('one to be made up for', listed(/long .*\n.*\n {4}last {3}.*: waits for a worker/), RECOVERY_MS);
    await until('one to be missed', listed(/short .*\n {4}next .*\n {4}since it is there: 1 missed\n/), RECOVERY_MS);
    expect(await run(['status'])).not.toContain('did not run');
    const status = await run(['status'], { inMs: LATER_MS });
    expect(status).toMatch(
      new RegExp(`schedule short did not run at \\S+ ${at} UTC: Temporal was down for longer than its catch-up window`),
    );
    expect(status).toContain('1 schedule needs you');
    expect(status).not.toContain('schedule long');

    await run(['schedules', 'pause', 'short']);
    expect(await run(['status'], { inMs: LATER_MS })).not.toContain('did not run');
  }, 240_000);
});
