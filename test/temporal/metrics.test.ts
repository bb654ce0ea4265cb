import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { createDeps } from '../../activities/index.ts';
import { measureBackups } from '../../activities/list-backups.ts';
import { createLogger } from '../../workers/logging.ts';
import { openExporter } from '../../workers/metrics/exporter.ts';
import { findFreePort } from '../../workers/ports.ts';
import { LOCK_ACQUIRE, lockWorkflowId, TASK_QUEUE } from '../../workflows/messages.ts';
import { eventually } from '../hosts/eventually.ts';
import { aSimulatedFleet } from './a-simulated-fleet.ts';
import { startUpgrade, viewOf } from './simulated-fleet.ts';
import { changingCommands } from './simulated-world.ts';

const NOTICED_MS = 60_000;
const RESOURCE = 'member/nuc-1';

describe('metrics over the simulated fleet', () => {
  const { env, simulation } = aSimulatedFleet();

  /** One run that failed, one that is open and has a lock. */
  async function makeRuns(): Promise<void> {
    const { workflow } = env().client;
    await viewOf(await startUpgrade(env(), simulation().revision(), 'no-such-node'));
    // Nobody works there, so it stays as it is.
    await workflow.start('drift', { taskQueue: 'nobody', workflowId: 'drift/all', args: [{}] });
    await workflow.signalWithStart('resourceLock', {
      ...{ taskQueue: TASK_QUEUE, workflowId: lockWorkflowId(RESOURCE) },
      ...{ args: [{ resource: RESOURCE, queue: [] }], signal: LOCK_ACQUIRE, signalArgs: [{ workflowId: 'drift/all' }] },
    });
  }

  it('say how copies, runs and locks are, as they were seen last; no question of Prometheus reaches a host', async () => {
    await makeRuns();
    const { repoDir, binDir } = simulation();
    const PATH = `${binDir}:${process.env['PATH'] ?? ''}`;
    const { deps, close } = createDeps({ repo: repoDir, stateDir: join(repoDir, '..', 'measuring'), env: { PATH } });
    const address = `127.0.0.1:${await findFreePort()}`;
    const exporter = await openExporter({
      ...{ address, version: '0.1.0', logger: createLogger({ level: 'silent' }) },
      measureBackups: (signal) => measureBackups(deps, signal),
    });
    const scrape = async (): Promise<string> => (await fetch(`http://${address}/metrics`)).text();
    try {
      expect(await scrape()).not.toMatch(/^runbook_(backup|run|lock)_/m);
      exporter.begin(env().client);
      let text = '';
      await eventually(
        'both were seen',
        async () => {
          text = await scrape();
          return ['backups', 'runs'].every((source) =>
            text.includes(`runbook_observation_timestamp_seconds{source="${source}"}`),
          );
        },
        NOTICED_MS,
      );
      for (const volume of ['edge-data', 'home-data', 'metrics-data']) {
        const labels = `volume="${volume}",target="nuc-1 tank/replica"`;
        expect(text).toContain(`runbook_backup_outcome{${labels},outcome="fresh"} 1\n`);
        const [, moment] = text.split(`runbook_backup_newest_timestamp_seconds{${labels}} `);
        // Made four hours ago.
        expect(Date.now() / 1000 - parseInt(moment ?? '', 10)).toBeGreaterThan(4 * 3600 - 60);
        expect(text).toContain(`runbook_backup_proof{${labels},outcome="never"} 1\n`);
      }
      const failed = 'runbook="safe-upgrade",subject="no-such-node"';
      expect(text).toContain(`runbook_run_last_outcome{${failed},outcome="Failed"} 1\n`);
      expect(text).toContain(`runbook_lock_held{resource="${RESOURCE}",holder="drift/all"} 1\n`);
      expect(text).not.toMatch(/^runbook_(approval|drift)_.* \d/m);
      expect(changingCommands(simulation().journal())).toEqual([]);

      const asked = simulation().journal().length;
      await Promise.all(Array.from({ length: 20 }, scrape));
      expect(simulation().journal()).toHaveLength(asked);
    } finally {
      await exporter.close();
      await close();
    }
    await expect(scrape()).rejects.toThrow();
    await env().client.workflow.getHandle('drift/all').terminate();
  }, 120_000);
});
