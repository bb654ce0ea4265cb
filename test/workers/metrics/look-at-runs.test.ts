import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Client } from '@temporalio/client';
import { createRunsLook, type RunEnd } from '../../../workers/metrics/look-at-runs.ts';

const BEGAN = Date.parse('2026-11-28T02:00:00Z');
const WITHIN_MS = 25_000;

const execution = (workflowId: string, runId: string) => ({
  ...{ workflowId, runId, status: { name: 'COMPLETED' }, startTime: new Date(BEGAN + 1000) },
  ...{ closeTime: new Date(BEGAN + 61_000), typedSearchAttributes: { get: () => 'Done' } },
});

describe('a look at runs', () => {
  let executions: ReturnType<typeof execution>[];
  let locksFail: boolean;
  let queries: string[];
  let deadlines: number[];
  let ended: RunEnd[];
  beforeEach(() => {
    [executions, locksFail, queries, deadlines, ended] = [[], false, [], [], []];
  });

  async function* list({ query }: { query: string }) {
    await Promise.resolve();
    queries.push(query);
    if (query.includes("WorkflowType = 'resourceLock'")) {
      if (locksFail) throw new Error('DEADLINE_EXCEEDED');
    } else yield* executions;
  }
  const looking = () => {
    const withDeadline = <Out>(deadline: number, work: () => Promise<Out>): Promise<Out> => {
      deadlines.push(deadline);
      return work();
    };
    const client = { workflow: { list }, withDeadline } as unknown as Client;
    return createRunsLook(client, { since: BEGAN, withinMs: WITHIN_MS, ended: (run) => ended.push(run) });
  };
  const signal = new AbortController().signal;

  it('asks for no lock, look or schedule where it asks for runs, and counts no plan among the most that it reads', async () => {
    const plans = Array.from({ length: 1200 }, (_, at) => execution(`plan/safe-upgrade/nuc-1/${at}`, `plan-${at}`));
    executions = [...plans, execution('safe-upgrade/nuc-1', 'r1')];
    const { ended: seen } = await looking()(signal);
    expect(seen).toMatchObject([{ runbook: 'safe-upgrade', subject: 'nuc-1', outcome: 'Done' }]);
    expect(queries[0]).toContain('WorkflowType NOT IN');
    for (const type of ['resourceLock', 'scheduled', 'glance', 'backups']) expect(queries[0]).toContain(`'${type}'`);
  });

  it('tells of an end once, and not by a look that came to nothing', async () => {
    const look = looking();
    executions = [execution('safe-upgrade/nuc-1', 'r1')];
    locksFail = true;
    await expect(look(signal)).rejects.toThrow('DEADLINE_EXCEEDED');
    expect(ended).toEqual([]);
    locksFail = false;
    await expect(look(AbortSignal.abort())).rejects.toThrow('aborted');
    expect(ended).toEqual([]);
    for (let time = 0; time < 2; time++) await look(signal);
    expect(ended).toEqual([{ runbook: 'safe-upgrade', outcome: 'Done', seconds: 60 }]);
  });

  it('asks everything with a time by which the connection gives up', async () => {
    const before = Date.now();
    await looking()(signal);
    expect(deadlines[0]).toBeGreaterThanOrEqual(before + WITHIN_MS);
    expect(deadlines[0]).toBeLessThan(before + 2 * WITHIN_MS);
  });
});
