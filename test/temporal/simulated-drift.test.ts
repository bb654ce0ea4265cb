import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { WorkflowHandle } from '@temporalio/client';
import type { RunView } from '../../plan/run.ts';
import type { State } from '../../simulator/core/state.ts';
import { encryptedFile } from '../../simulator/hosts/sops.ts';
import { referenceFleetFile } from '../../simulator/reference-fleet.ts';
import type { drift } from '../../workflows/drift.ts';
import { TASK_QUEUE, workflowId } from '../../workflows/messages.ts';
import { aSimulatedFleet } from './a-simulated-fleet.ts';
import { addSecrets, CANARY } from './rotating.ts';
import { viewOf } from './simulated-fleet.ts';
import { changingCommands } from './simulated-world.ts';

const TIMEOUT_MS = 120_000;
const KEPT = { 'snapshots.schedule': '@daily', 'snapshots.expiry': '7d' };

describe('drift over the simulated fleet', () => {
  const { env, simulation } = aSimulatedFleet();

  const begin = (node?: string): Promise<WorkflowHandle<typeof drift>> =>
    env().client.workflow.start<typeof drift>('drift', {
      taskQueue: TASK_QUEUE,
      workflowId: workflowId('drift', node ?? 'all'),
      args: [
        {
          ...{ fleet: { revision: simulation().revision() }, actor: 'tester' },
          ...(node === undefined ? {} : { node }),
        },
      ],
    });
  const look = async (node?: string): Promise<RunView> => viewOf(await begin(node));
  const change = (how: (cluster: State['cluster'], state: State) => void): Promise<unknown> =>
    simulation().store.update((state) => {
      how(state.cluster, state);
    });
  /** As the fleet file declares it, with snapshots everywhere. */
  const settle = (): Promise<unknown> =>
    change(({ instances, volumes }) => {
      for (const each of [...Object.values(instances), ...Object.values(volumes)]) Object.assign(each.config, KEPT);
    });
  const words = ({ drift: rows = [] }: RunView): string[] =>
    rows.map(({ kind, subject, declared, found }) => `${kind} ${subject}: ${declared} ≠ ${found}`);

  it(
    'finds nothing where all is as declared, and changes nothing',
    async () => {
      await settle();
      const view = await look();
      expect(words(view)).toEqual([]);
      expect(view.result).toMatchObject({ outcome: 'AlreadySo' });
      expect(changingCommands(simulation().journal())).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'finds each difference of cluster, guests and snapshots, and leaves alone what only looks like one',
    async () => {
      await settle();
      const declared = referenceFleetFile()
        .replace(/ {2}dns-ct:\n(?: {4}.*\n)*/, '')
        .replace('guests:\n', 'guests:\n  new-ct: { member: nuc-1, type: container }\n');
      simulation().setFleetFile(`${declared}  snapshots: { schedule: '@daily', expiry: 7d }\n`);
      await change(({ instances, volumes, networks, profiles, groups, config }) => {
        const { 'edge-vm': edge, 'home-vm': home, 'metrics-vm': metrics } = instances;
        if (edge === undefined || home === undefined || metrics === undefined) return;
        Object.assign(instances['dns-ct'] ?? {}, { config: {} });
        home.status = 'Stopped';
        metrics.location = 'nuc-1';
        // The same, by other names.
        edge.config = { ...edge.config, 'snapshots.schedule': '@midnight', 'snapshots.expiry': '1w' };
        Object.assign(volumes['zpool/edge-data'] ?? {}, { config: { 'snapshots.schedule': '@weekly' } });
        Object.assign(networks['incusbr0']?.config ?? {}, { 'ipv4.nat': 'false', 'ipv6.address': 'none' });
        Object.assign(profiles['default'] ?? {}, { config: { 'limits.cpu': '2' } });
        groups['desktops']?.members.push('nuc-1');
        groups['others'] = { description: '', members: ['nuc-1'] };
        config['cluster.healing_threshold'] = '0';
      });
      const view = await look();
      expect(words(view)).toEqual([
        'cluster network incusbr0: ipv4.nat true ≠ ipv4.nat false',
        'cluster profile default: cluster.evacuate stop ≠ cluster.evacuate not set',
        'cluster group desktops: elitedesk-1, elitedesk-2 ≠ elitedesk-1, elitedesk-2, nuc-1',
        'guest new-ct: on nuc-1 ≠ not there',
        'guest home-vm: Running ≠ Stopped',
        'guest metrics-vm: on elitedesk-2 ≠ on nuc-1',
        'guest dns-ct: no such guest ≠ Running',
        'snapshots dns-ct: schedule @daily, expiry 7d ≠ schedule not set, expiry not set',
        'snapshots volume zpool/edge-data: schedule @daily, expiry 7d ≠ schedule @weekly, expiry not set',
        expect.stringMatching(/^unknown NixOS of home-vm: \? ≠ /),
      ]);
      expect(view.result).toMatchObject({
        ...{ outcome: 'Failed', unchanged: true, failure: { type: 'Drifted' } },
        summary: '9 things are not as declared, and 1 could not be looked at.',
      });
      expect(view.drift?.find(({ subject }) => subject === 'volume zpool/edge-data')?.whatToDo).toBe(
        'incus storage volume set zpool edge-data --target elitedesk-1 snapshots.schedule=@daily snapshots.expiry=7d',
      );
      expect(view.drift?.find(({ subject }) => subject === 'home-vm')?.whatToDo).toBe('incus start home-vm');
      expect(changingCommands(simulation().journal())).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it(
    'finds systems that are not those of the commit, or do not run',
    async () => {
      await settle();
      simulation().setSpec('edge-vm', { version: '26.05.2' });
      const view = await look('edge-vm');
      expect(words(view)).toEqual([
        expect.stringMatching(
          /^nixos edge-vm: generation: \S*26\.05\.2 \(\w+\), revision [0-9a-f]{7} ≠ \S*26\.05\.1 \(\w+\), generation \d+$/,
        ),
      ]);
      expect(view.drift?.[0]?.whatToDo).toBe('runbook start safe-upgrade --node edge-vm');
      await simulation().addFault({
        tool: 'nix',
        when: 'before',
        effect: { type: 'fail', exitCode: 1, stderr: 'error: boom' },
      });
      expect(words(await look('edge-vm'))).toEqual([
        expect.stringMatching(/^unknown NixOS of edge-vm: \? ≠ edge-vm: evaluation failed: error: boom/),
      ]);
    },
    TIMEOUT_MS,
  );

  it(
    'says of what it could not look at why, and looks at the rest',
    async () => {
      await settle();
      await simulation().power('nuc-1', 'off');
      const view = await look();
      expect(words(view)).toEqual(Array(3).fill(expect.stringMatching(/^unknown .* ≠ /)));
      expect(view.result).toMatchObject({
        ...{ outcome: 'Failed', unchanged: true, failure: { type: 'NotSeen' } },
        summary: '3 things could not be looked at; the rest is as declared.',
      });
      expect(view.drift?.map(({ kind, subject, where, whatToDo }) => ({ kind, subject, where, whatToDo }))).toEqual(
        ['nuc-1', 'dns-ct', 'NixOS of nuc-1'].map((subject) => ({
          ...{ kind: 'unknown', subject, where: 'nuc-1', whatToDo: 'runbook doctor --node nuc-1' },
        })),
      );
    },
    TIMEOUT_MS,
  );

  it(
    'finds what Terraform would change, applies nothing, and leaves nothing',
    async () => {
      await settle();
      const dir = mkdtempSync(join(tmpdir(), 'runbook-drift-'));
      const infra = {
        ...{ state: { type: 'local', dir: join(dir, 'states') }, stateBackups: { dir: join(dir, 'backups') } },
        lockTimeout: '1s',
      };
      simulation().setFleetFile(`${referenceFleetFile()}\ninfra: ${JSON.stringify(infra)}\n`);
      const resource = { incus_instance: { dns: { image: 'images:alpine', name: 'dns-ct' } } };
      simulation().setFile('infra/incus/nuc-1/main.tf.json', JSON.stringify({ resource }));
      try {
        const view = await look('nuc-1');
        expect(words(view)).toEqual(['terraform incus_instance.dns: there ≠ not there']);
        expect(view.drift?.[0]).toMatchObject({
          where: 'nuc-1',
          whatToDo: 'runbook plan infra-apply --node nuc-1',
        });
        expect(existsSync(join(dir, 'states/nuc-1.tfstate'))).toBe(false);
        expect(existsSync(join(dir, 'backups'))).toBe(false);
        // Of another member nothing is planned.
        expect(words(await look('elitedesk-2'))).toEqual([]);
      } finally {
        rmSync(dir, { recursive: true, force: true });
      }
    },
    TIMEOUT_MS,
  );

  it(
    'finds files with secrets that are not as their rules say, and tells no value',
    async () => {
      await settle();
      addSecrets(simulation(), { push: false });
      // Whom its rule names, the fleet file does not.
      const shared: unknown = expect.stringMatching(
        /^secrets secrets\/shared\.enc\.yaml: .* is shared: edge-vm, home-vm/,
      );
      simulation().setFile('secrets/edge.enc.yaml', encryptedFile({ token: CANARY }, [`age1${'p'.repeat(58)}`]));
      const view = await look('edge-vm');
      expect(words(view)).toEqual([
        expect.stringMatching(
          /^secrets secrets\/edge\.enc\.yaml: as secrets\/sops\.yaml says ≠ edge-vm cannot decrypt/,
        ),
        shared,
      ]);
      expect(JSON.stringify(view)).not.toContain(CANARY);
      expect(words(await look('home-vm'))).toEqual([shared]);
    },
    TIMEOUT_MS,
  );
});
