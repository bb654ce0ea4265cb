import { expect, it } from '@jest/globals';
import { ServiceError, WorkflowFailedError, type Client } from '@temporalio/client';
import { ApplicationFailure, RetryState } from '@temporalio/common';
import type { DueNotice } from '../../../plan/notice.ts';
import { CannotDecrypt } from '../../../workers/codec/payload-codec.ts';
import { createRunWatch } from '../../../workers/notify/run-watch.ts';

const now = Date.now();
const typedSearchAttributes = { get: () => undefined };
const run = (name: string, minutesAgo: number, status = 'FAILED') => ({
  ...{ workflowId: `safe-upgrade/${name}`, runId: name, type: 'safeUpgrade', typedSearchAttributes },
  ...{ status: { name: status }, startTime: new Date(now - 3_600_000) },
  ...(status === 'RUNNING' ? {} : { closeTime: new Date(now - minutesAgo * 60_000) }),
});
const approval = { id: 'a1', question: 'Go on?', consequences: [] };
const asking = {
  approval: { ...approval, askedAt: new Date(now).toISOString(), deadline: new Date(now).toISOString() },
};

/** Temporal as far as the watch asks it; `left` answers or throws for each run that is over. */
function clientOf(runs: ReturnType<typeof run>[], left: Record<string, () => unknown>): Client {
  return {
    withDeadline: (_deadline: number, work: () => unknown) => work(),
    workflow: {
      list: async function* ({ query }: { query: string }) {
        await Promise.resolve();
        const isOpen = query.includes(`'Running'`);
        yield* runs.filter(({ status }) => (status.name === 'RUNNING') === isOpen);
      },
      getHandle: (_id: string, runId: string) => ({
        result: () => Promise.resolve().then(left[runId]),
        query: () => Promise.resolve(asking),
      }),
    },
  } as unknown as Client;
}

const throws = (error: Error) => (): never => {
  throw error;
};
const failedBare = throws(
  new WorkflowFailedError('failed', ApplicationFailure.create({ message: 'x' }), RetryState.MAXIMUM_ATTEMPTS_REACHED),
);

function watching(client: Client, refuse: (due: DueNotice) => boolean = () => false) {
  const told: DueNotice[] = [];
  const watch = createRunWatch({ client, since: 0, pageOf: () => undefined });
  const look = (signal = new AbortController().signal) =>
    watch(
      { fleet: 'lab', discreet: false },
      (due) => {
        if (refuse(due)) return Promise.reject(new Error('refused'));
        told.push(due);
        return Promise.resolve();
      },
      signal,
    );
  return { told, look, nodes: () => told.map(({ notice }) => notice.node) };
}

it('a run that cannot be read holds up no other, and is told without the claim that it left nothing', async () => {
  const runs = [run('bare', 1), run('locked', 2), run('asks', 0, 'RUNNING')];
  const { told, look, nodes } = watching(
    clientOf(runs, { bare: failedBare, locked: throws(new CannotDecrypt('No key.')) }),
  );
  await look();
  expect(nodes().sort()).toEqual(['asks', 'bare', 'locked']);
  const what = (node: string) => told.find(({ notice }) => notice.node === node)?.notice.what;
  expect(what('bare')).toContain('It left no result');
  expect(what('locked')).toMatch(/cannot be read/);
});

it('a message that is refused, and a server that does not answer, hold up no other; the look fails and they come again', async () => {
  const runs = [run('one', 3), run('two', 2), run('three', 1), run('asks', 0, 'RUNNING')];
  let isDown = true;
  const two = () => (isDown ? throws(new ServiceError('down'))() : failedBare());
  const client = clientOf(runs, { one: failedBare, two, three: failedBare });
  const { look, nodes } = watching(client, ({ notice }) => isDown && notice.node === 'one');
  const error = await look().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(AggregateError);
  expect((error as AggregateError).errors).toHaveLength(2);
  expect(nodes()).toEqual(['asks', 'three']);
  isDown = false;
  await look();
  expect(nodes().slice(2)).toEqual(['asks', 'one', 'two']);
});

it('what ended first is told first', async () => {
  const { look, nodes } = watching(clientOf([run('new', 1), run('old', 9)], { new: failedBare, old: failedBare }));
  await look();
  expect(nodes()).toEqual(['old', 'new']);
});

it('a look that was given up tells nothing more', async () => {
  const { look, told } = watching(clientOf([run('one', 1)], { one: failedBare }));
  await expect(look(AbortSignal.abort(new Error('too late')))).rejects.toThrow('too late');
  expect(told).toEqual([]);
});
