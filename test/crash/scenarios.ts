import { referenceFleetFile } from '../../simulator/reference-fleet.ts';
import type { Simulation } from '../../simulator/create.ts';
import { workflowId, type SafeUpgradeInput } from '../../workflows/messages.ts';

/** How a run is started. */
export interface Beginning {
  workflow: string;
  workflowId: string;
  input: (revision: string) => object;
}

export const upgradeOf = (node: string): Beginning => ({
  workflow: 'safeUpgrade',
  workflowId: workflowId('safe-upgrade', node),
  input: (revision): SafeUpgradeInput => ({
    ...{ fleet: { revision }, node, actor: 'tester' },
    ...{ allowOffline: [], allowOrchestrator: true, planOnly: false },
  }),
});

/** One procedure that is killed again and again. Its uncrashed run says what has to come out. */
export interface Scenario {
  name: string;
  begin: Beginning;
  outcome: 'Done' | 'RolledBack';
  /** What is new in the monorepo and in the registry. The same revisions and digests each time. */
  prepare(simulation: Simulation): Promise<void>;
}

const NEWER = { version: '26.05.3' };
const NEWER_KERNEL = { version: '26.05.3', kernel: '6.12.9' };

async function publish(simulation: Simulation, containers: readonly string[]): Promise<void> {
  for (const name of containers) await simulation.publishImage(`registry.example/${name}:stable`, { healthy: true });
}

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'a member with its guests',
    begin: upgradeOf('elitedesk-1'),
    outcome: 'Done',
    prepare: async (simulation) => {
      simulation.setSpec('elitedesk-1', NEWER);
      simulation.setSpec('edge-vm', NEWER);
      await publish(simulation, ['caddy', 'home-assistant']);
    },
  },
  {
    name: 'a release that is unhealthy',
    begin: upgradeOf('elitedesk-1'),
    outcome: 'RolledBack',
    prepare: async (simulation) => {
      // The host's release breaks a guest, so that every rung of the ladder below it is needed.
      simulation.setSpec('elitedesk-1', { ...NEWER, breaks: ['home-vm'] });
      simulation.setSpec('edge-vm', NEWER);
      await publish(simulation, ['caddy', 'home-assistant']);
    },
  },
  {
    name: 'a release that takes a restart',
    begin: upgradeOf('elitedesk-1'),
    outcome: 'Done',
    prepare: (simulation) => {
      simulation.setSpec('elitedesk-1', NEWER_KERNEL);
      simulation.setSpec('edge-vm', NEWER_KERNEL);
      return Promise.resolve();
    },
  },
];

/** Each is much longer than what it bounds: a run stands still while something is killed, beside many others. */
const PATIENCE = { confirmTimeout: '60s', activationTimeout: '120s', maxClockSkew: '120s', soak: '2s' };

/** The reference's fleet with other policies for upgrades. */
export const fleetFile = (policies: Readonly<Record<string, string>> = {}): string =>
  patient(referenceFleetFile(), policies);

/** A fleet file whose limits are not met by standing still. */
export function patient(text: string, policies: Readonly<Record<string, string>> = {}): string {
  return Object.entries({ ...PATIENCE, ...policies }).reduce(
    (file, [key, value]) => file.replace(new RegExp(`^    ${key}: .*$`, 'm'), `    ${key}: ${value}`),
    text.replaceAll('timeout: 5s', 'timeout: 60s'),
  );
}
