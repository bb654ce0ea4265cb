import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import type { RunView } from '../../plan/run.ts';
import { TASK_QUEUE, workflowId, type RestoreFilesInput } from '../../workflows/messages.ts';
import type { restoreFiles } from '../../workflows/restore-files.ts';
import { aSimulatedFleet } from './a-simulated-fleet.ts';
import { viewOf } from './simulated-fleet.ts';
import { inRepository } from './simulated-repository.ts';

const TIMEOUT_MS = 240_000;

describe('restore from restic over the simulated fleet', () => {
  const { env, simulation } = aSimulatedFleet();
  beforeEach(() => inRepository(simulation()));

  const bring = async (
    wish: Partial<RestoreFilesInput['wish']> = {},
    { planOnly = false }: { planOnly?: boolean } = {},
  ): Promise<RunView> =>
    viewOf(
      await env().client.workflow.start<typeof restoreFiles>('restoreFiles', {
        taskQueue: TASK_QUEUE,
        workflowId: workflowId('restore', 'to-restic'),
        args: [
          {
            ...{ fleet: { revision: simulation().revision() }, actor: 'tester', planOnly },
            wish: { backup: 'to-restic', ...wish },
          },
        ],
      }),
    );
  const inGuest = (path: string): string => join(simulation().store.root('edge-vm'), path);
  const refusals = ({ gates }: RunView): string[] =>
    gates.filter(({ verdict }) => verdict === 'refused').map(({ message }) => message);

  it(
    'brings files back into an empty folder beside the original, and over nothing',
    async () => {
      const plan = await bring({}, { planOnly: true });
      expect(plan.result?.next).toMatchObject([{ command: 'runbook start restore --from restic --backup to-restic' }]);
      const view = await bring();
      expect(view.result).toMatchObject({ outcome: 'Done' });
      const folder = `srv/data.restored-${view.name.replace('runbook-', '')}`;
      expect(readFileSync(inGuest(`${folder}/page`), 'utf8')).toBe('before\n');
      expect(existsSync(inGuest('srv/data/page'))).toBe(false);
      expect(refusals(await bring({ to: `/${folder}` }))).toEqual([`There is something in /${folder} of edge-vm.`]);
    },
    TIMEOUT_MS,
  );

  it(
    'refuses what the repository has not, what the entry has not, and a guest that does not answer',
    async () => {
      const until = new Date(Date.now() - 9 * 3_600_000).toISOString();
      expect(refusals(await bring({ until }))[0]).toMatch(/^No snapshot is as old as .*: they begin with /);
      expect((await bring({ path: '/etc' })).result?.failure).toMatchObject({ type: 'BadConfig' });
      expect((await bring({ backup: 'edge-data' })).result?.failure).toMatchObject({ type: 'BadConfig' });
      await simulation().power('elitedesk-1', 'off');
      expect(refusals(await bring())[0]).toMatch(/cannot be asked from edge-vm/);
    },
    TIMEOUT_MS,
  );
});
