import { mkdir, rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, it } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { referenceFleetFile } from '../../../simulator/reference-fleet.ts';
import { startLocalServer } from '../../temporal/environment.ts';
import { startSimulatedFleet, type SimulatedFleet } from '../../temporal/simulated-fleet.ts';
import { addHistory, historiesOf, removeHistories } from '../histories.ts';
import { findLeaks, neutral } from '../neutral.ts';

/** The same on every machine, since it ends up in histories. Two recorders at a time would be in each other's way. */
const FOLDER = '/tmp/runbook-recording';

export interface Stage {
  env: TestWorkflowEnvironment;
  /** Starts a simulated fleet with a worker; `change` alters its runbook.yaml. */
  startFleet: (change?: (fleetFile: string) => string, options?: { bare: boolean }) => Promise<SimulatedFleet>;
}

/** Makes runs and answers with the one to record. It fails where a run did not end as its name says. */
export type Scenario = (stage: Stage) => Promise<WorkflowHandle>;

/**
 * Records scenarios that were not recorded yet. `RUNBOOK_RECORD`: `add` records all again beside what is there,
 * `replace` in its place.
 */
export function record(workflow: string, scenarios: Record<string, Scenario>, serverArgs?: string[]): void {
  const mode = process.env['RUNBOOK_RECORD'] ?? 'missing';
  describe(workflow, () => {
    let env: TestWorkflowEnvironment;
    beforeAll(async () => {
      env = await startLocalServer(serverArgs);
    });
    afterAll(async () => {
      await env.teardown();
    });
    it.each(Object.entries(scenarios))('%s', async (name, scenario) => {
      const known = await historiesOf(workflow, name);
      if (known.length > 0 && mode === 'missing') return;
      const json = await onStage(env, scenario);
      const leaks = findLeaks(json);
      if (leaks.length > 0) throw new Error(`Not kept, because histories are published.\n${leaks.join('\n')}`);
      if (mode === 'replace') await removeHistories(workflow, name);
      await addHistory(workflow, name, json);
    });
  });
}

async function onStage(env: TestWorkflowEnvironment, scenario: Scenario): Promise<string> {
  await claimFolder();
  let fleet: SimulatedFleet | undefined;
  try {
    const handle = await scenario({
      env,
      startFleet: async (change = (text) => text, options = { bare: false }) =>
        (fleet = await startSimulatedFleet(env, { dir: FOLDER, fleetFile: change(referenceFleetFile()), ...options })),
    });
    return neutral(historyToJSON(await handle.fetchHistory()));
  } finally {
    await fleet?.dispose();
    await rm(FOLDER, { recursive: true, force: true });
  }
}

async function claimFolder(): Promise<void> {
  try {
    await mkdir(FOLDER);
  } catch (error) {
    throw new Error(`Expected no ${FOLDER}: another recorder runs, or one was killed; then remove it.`, {
      cause: error,
    });
  }
}
