import { beforeEach, describe, expect, it } from '@jest/globals';
import type { Host } from '../../hosts/host.ts';
import type { RunView } from '../../plan/run.ts';
import { TASK_QUEUE, VIEW_QUERY, workflowId } from '../../workflows/messages.ts';
import type { nodeRejoin } from '../../workflows/node-rejoin.ts';
import { eventually } from '../hosts/eventually.ts';
import { answer } from '../replay/record/answer.ts';
import { aSimulatedFleet } from './a-simulated-fleet.ts';
import { startRejoin } from './losing-disks.ts';
import { viewOf } from './simulated-fleet.ts';
import { changingCommands } from './simulated-world.ts';

const TIMEOUT_MS = 240_000;
const MEMBER = 'elitedesk-2';

/** Simulated members cannot lose a root disk and keep their pool: that is tested on virtual hosts. */
describe('node-rejoin over the simulated fleet', () => {
  const { env, simulation } = aSimulatedFleet();
  beforeEach(async () => {
    await simulation().store.update(({ machines }) => {
      const machine = machines[MEMBER];
      if (machine) machine.datasets['zpool/incus'] = { snapshots: {} };
    });
  });

  const rejoin = async (planOnly = false): Promise<RunView> =>
    viewOf(
      await env().client.workflow.start<typeof nodeRejoin>('nodeRejoin', {
        taskQueue: TASK_QUEUE,
        workflowId: workflowId('node-rejoin', MEMBER),
        args: [{ fleet: { revision: simulation().revision() }, actor: 'tester', planOnly, node: MEMBER, anew: false }],
      }),
    );
  const refusals = ({ gates }: RunView): string[] =>
    gates.filter(({ verdict }) => verdict === 'refused').map(({ name }) => name);

  it(
    'has nothing to do for a member that is one, and changes nothing',
    async () => {
      expect((await rejoin()).result).toMatchObject({ outcome: 'AlreadySo' });
      expect(changingCommands(simulation().journal())).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'starts what ran before, also while another member is away, and plans it without doing it',
    async () => {
      await simulation().power('elitedesk-1', 'off');
      await simulation().store.update(({ cluster }) => {
        const instance = cluster.instances['metrics-vm'];
        if (instance)
          Object.assign(instance, { status: 'Stopped', config: { ...instance.config, 'boot.autostart': 'true' } });
      });
      const plan = await rejoin(true);
      expect(plan.steps.filter(({ state }) => state === 'pending').map(({ id }) => id)).toEqual([
        'online',
        'follow',
        'notes',
        'instances',
        'health',
      ]);
      expect(simulation().readState().cluster.instances['metrics-vm']?.status).toBe('Stopped');
      expect((await rejoin()).result).toMatchObject({ outcome: 'Done' });
      expect(simulation().readState().cluster.instances['metrics-vm']?.status).toBe('Running');
    },
    TIMEOUT_MS,
  );

  it(
    'refuses a host that is off, and where no other member answers',
    async () => {
      await simulation().power(MEMBER, 'off');
      expect(refusals(await rejoin())).toEqual(['host']);
      await simulation().power('elitedesk-1', 'off');
      await simulation().power(MEMBER, 'on');
      await simulation().power('nuc-1', 'off');
      expect(refusals(await rejoin())).toEqual(['cluster']);
    },
    TIMEOUT_MS,
  );
});

/** As ZFS tells it of a pool that another system had. */
const FOREIGN = `   pool: zpool
     id: 1
  state: ONLINE
 status: The pool was last accessed by another system.
 action: The pool can be imported using its name or numeric identifier and the '-f' flag.
`;

describe('node-rejoin of a member whose pool another system had', () => {
  let isImported = false;
  /** The simulated zpools are always imported: this one is not, as far as its member tells. */
  const withoutPool = (host: Host): Host => ({
    ...host,
    run: async (argv, options) => {
      const command = argv.join(' ');
      const told = { exitCode: 0, stderr: '', durationMs: 1, truncated: false };
      if (command === 'zpool import') return { ...told, stdout: isImported ? '' : FOREIGN };
      if (command === 'zpool import -f zpool') {
        isImported = true;
        return { ...told, stdout: '' };
      }
      const ran = await host.run(argv, options);
      const isList = !isImported && command.startsWith('zpool list ');
      return isList ? { ...ran, stdout: ran.stdout.replace(/^zpool\t.*\n/m, '') } : ran;
    },
  });
  const { env, simulation } = aSimulatedFleet({
    machines: (real) => ({
      ...real,
      member: (fleet, name) => (name === MEMBER ? withoutPool(real.member(fleet, name)) : real.member(fleet, name)),
    }),
  });

  it(
    'asks first, also where the cluster knows the member, and looks again when it is there',
    async () => {
      await simulation().store.update(({ machines }) => {
        Object.assign(machines[MEMBER]?.datasets ?? {}, { 'zpool/incus': { snapshots: {} } });
      });
      const handle = await startRejoin(env(), simulation(), MEMBER);
      await eventually(
        'it asks',
        async () => (await handle.query<RunView>(VIEW_QUERY)).approval?.id === 'import',
        120_000,
      );
      expect(isImported).toBe(false);
      await answer(handle, { approved: true });
      const { result, steps } = await viewOf(handle);
      expect(result).toMatchObject({ outcome: 'Done' });
      expect(steps.map(({ id }) => id)).toEqual(expect.arrayContaining(['import-zpool', 'observe-again', 'notes']));
      expect(isImported).toBe(true);
    },
    TIMEOUT_MS,
  );
});
