import { describe, expect, it } from '@jest/globals';
import { declaredNotes, type RejoinNotes } from '../../activities/rejoin-notes.ts';
import { startInstances } from '../../activities/start-instances.ts';
import type { Incus } from '../../tools/incus.ts';

const context = { signal: new AbortController().signal, attempt: 1, report: () => undefined };

/** An Incus whose instances of these names are stopped, and start as they are said to. */
function incusOf(answers: Record<string, Awaited<ReturnType<Incus['startInstance']>>>): {
  incus: Incus;
  tried: string[];
} {
  const tried: string[] = [];
  const instance = (name: string) => ({
    ...{ name, project: 'default', location: 'n1', type: 'virtual-machine', status: 'Stopped', volumes: [] },
    autostart: true,
  });
  const incus: Partial<Record<keyof Incus, unknown>> = {
    waitReady: () => Promise.resolve({ type: 'ready' }),
    instances: () => Promise.resolve({ type: 'instances', instances: Object.keys(answers).map(instance) }),
    volumeRecords: () => Promise.resolve({ type: 'volume records', volumes: [] }),
    lastRunning: () => Promise.resolve({ type: 'last running', instances: [] }),
    startInstance: (_: string, name: string) => {
      tried.push(name);
      return Promise.resolve(answers[name]);
    },
  };
  return { incus: incus as unknown as Incus, tried };
}
const start = (incus: Incus) => startInstances(incus, { member: 'n1', notes: undefined, pools: [] }, context);

describe('instances that ran before', () => {
  it('are all started that can be, and the others named', async () => {
    const broken = {
      type: 'unexpected',
      tool: 'incus',
      argv: 'incus start',
      exitCode: 1,
      output: 'no such disk',
    } as const;
    const { incus, tried } = incusOf({ a: broken, b: { type: 'started' }, c: broken });
    await expect(start(incus)).rejects.toMatchObject({
      type: 'Unexpected',
      message:
        'Starting a: incus start ended with 1: no such disk. Starting c: incus start ended with 1: no such disk.',
    });
    expect(tried).toEqual(['a', 'b', 'c']);
  });

  it('are started where the cluster has always known their volume, or never maps it', async () => {
    const startOf = async (config: Record<string, string>, notes?: RejoinNotes) => {
      const { incus } = incusOf({ a: { type: 'started' } });
      const volume = { pool: 'zpool', project: 'default', name: 'data' };
      const answers = {
        instances: {
          ...{ name: 'a', project: 'default', location: 'n1', type: 'container', status: 'Stopped', autostart: true },
          volumes: [volume],
        },
        volumeRecords: { ...volume, description: '', config },
      };
      Object.assign(incus, {
        instances: () => Promise.resolve({ type: 'instances', instances: [answers.instances] }),
        volumeRecords: () => Promise.resolve({ type: 'volume records', volumes: [answers.volumeRecords] }),
      });
      return (await startInstances(incus, { member: 'n1', notes, pools: ['zpool'] }, context)).started;
    };
    const notes = { ...declaredNotes({ volumes: [], instances: [] }), given: ['zpool/data'] };
    expect(await startOf({})).toEqual([]);
    expect(await startOf({}, notes)).toEqual(['a']);
    expect(await startOf({ 'security.unmapped': 'true' })).toEqual(['a']);
  });

  it('are told where all of them run', async () => {
    const { incus } = incusOf({ a: { type: 'already running' }, b: { type: 'started' } });
    expect(await start(incus)).toEqual({ started: ['b'], running: ['a'], held: [] });
  });
});
