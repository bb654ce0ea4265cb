import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import { check } from '../../lab/shell.ts';
import { sshArgv } from '../../lab/ssh.ts';
import type { RunView } from '../../plan/run.ts';
import type { infraApply } from '../../workflows/infra-apply.ts';
import { DECIDE_UPDATE, TASK_QUEUE, VIEW_QUERY } from '../../workflows/messages.ts';
import { eventually } from '../hosts/eventually.ts';
import { viewOf } from '../temporal/simulated-fleet.ts';
import { aLab } from './a-lab.ts';
import { handsOn } from './hands.ts';
import { aLabWorker } from './worker.ts';

const TIMEOUT_MS = 180_000;
const lab = aLab();
const worker = aLabWorker(lab);
const { text } = handsOn(lab);

/** The provider cannot be had here, so what it would make is made by provisioners, which call incus on the member. */
describe('infra-apply on real hosts', () => {
  beforeAll(async () => {
    const { folder } = lab().record;
    await lab().installTools(undefined, 'terraform');
    const state = { type: 'local', dir: join(folder, 'states') };
    const infra = { state, stateBackups: { dir: join(folder, 'copies') }, protect: ['terraform_data'] };
    appendFileSync(join(lab().repo, 'runbook.yaml'), `\ninfra: ${JSON.stringify(infra)}\n`);
  }, 20 * 60_000);

  /** How many there are of each volume on n1: what destroys one has to stay declared. */
  const declare = async (volumes: Readonly<Record<string, 0 | 1>>): Promise<string> => {
    const { repo, record } = lab();
    const incus = (words: string): string =>
      JSON.stringify([...sshArgv(record, 'n1', ['incus', 'storage', 'volume']), words].join(' '));
    const blocks = Object.entries(volumes).map(
      ([name, count]) => `resource "terraform_data" "${name}" {
  count = ${count}
  provisioner "local-exec" {
    command = ${incus(`create local ${name}`)}
  }
  provisioner "local-exec" {
    when = destroy
    command = ${incus(`delete local ${name}`)}
  }
}
`,
    );
    const folder = join(repo, 'infra/incus/n1');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'main.tf'), blocks.join(''));
    const git = ['git', '-C', repo, '-c', 'user.name=lab', '-c', 'user.email=lab@localhost'];
    await check([...git, 'add', '-A']);
    await check([...git, 'commit', '-q', '-m', 'volumes']);
    return (await check([...git, 'rev-parse', 'HEAD'])).trim();
  };
  const start = (revision: string): Promise<WorkflowHandle<typeof infraApply>> =>
    worker().env.client.workflow.start<typeof infraApply>('infraApply', {
      taskQueue: TASK_QUEUE,
      workflowId: 'infra-apply/n1',
      args: [{ fleet: { revision }, actor: 'tester', planOnly: false, node: 'n1' }],
    });
  const agree = async (handle: WorkflowHandle, expected: string[] | undefined): Promise<void> => {
    const view = () => handle.query<RunView>(VIEW_QUERY).catch(() => undefined);
    await eventually('it asks', async () => (await view())?.approval !== undefined, 60_000);
    const { plan = '', names } = (await view())?.approval ?? {};
    expect(names).toEqual(expected);
    const args = { approved: true, actor: 'Ada', reason: 'so be it', plan, ...(names === undefined ? {} : { names }) };
    await handle.executeUpdate(DECIDE_UPDATE, { args: [args] });
  };
  const volumes = async (): Promise<string[]> => {
    const listed = await text('n1', 'incus', 'storage', 'volume', 'list', 'local', '--format=csv', '--columns=n');
    return listed.split('\n').filter((name) => name.startsWith('infra-'));
  };

  it(
    'makes what is declared, and takes away what is not any more where the yes names it',
    async () => {
      const revision = await declare({ 'infra-a': 1, 'infra-b': 1 });
      const handle = await start(revision);
      await agree(handle, undefined);
      expect((await viewOf(handle)).result).toMatchObject({ outcome: 'Done' });
      expect(await volumes()).toEqual(['infra-a', 'infra-b']);
      expect((await viewOf(await start(revision))).result).toMatchObject({ outcome: 'AlreadySo' });
      const gone = await start(await declare({ 'infra-a': 0, 'infra-b': 1 }));
      await agree(gone, ['terraform_data.infra-a[0]']);
      expect((await viewOf(gone)).result).toMatchObject({ outcome: 'Done' });
      expect(await volumes()).toEqual(['infra-b']);
    },
    TIMEOUT_MS,
  );
});
