import { createSimulation } from '../simulator/create.ts';
import type { Stage } from './stage.ts';

/** The reference's homelab as programs over files in `folder`: three members with their guests, all healthy. */
export async function simulatedStage(folder: string): Promise<Stage> {
  const simulation = await createSimulation(folder);
  const node = 'elitedesk-1';
  const release = (change: Parameters<typeof simulation.setSpec>[1]) => {
    simulation.setSpec(node, change);
    return Promise.resolve();
  };
  return {
    repo: simulation.repoDir,
    node,
    binDir: simulation.binDir,
    introduction: 'A simulated fleet: elitedesk-1, elitedesk-2 and nuc-1 with edge-vm, home-vm, metrics-vm and dns-ct.',
    releaseGood: () => release({ version: '26.05.2' }),
    releaseBad: () => release({ version: '26.05.3', breaks: ['edge-vm'] }),
    end: () => {
      simulation.dispose();
      return Promise.resolve();
    },
  };
}
