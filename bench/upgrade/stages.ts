import { rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { startLab } from '../../lab/api.ts';
import { whyNot } from '../../lab/requirements.ts';
import { createSimulation, type Simulation } from '../../simulator/create.ts';

/** A fleet that is upgraded again and again from the same state. */
export interface UpgradeStage {
  /** `real hosts`, for the report. */
  label: string;
  repo: string;
  node: string;
  env: Readonly<Record<string, string>>;
  /** Back to the beginning, with a new release committed; answers with its revision. */
  prepare(): Promise<string>;
  /** Throws where the release does not run. */
  verify(): Promise<void>;
  stop(): Promise<void>;
}

/** Real hosts where this machine can run them, else the simulator. */
export async function openStage(folder: string): Promise<UpgradeStage> {
  const reason = await whyNot();
  if (reason === null) return labStage();
  process.stderr.write(`Not on real hosts: ${reason}.\n`);
  return simulatedStage(join(folder, 'fleet'));
}

async function labStage(): Promise<UpgradeStage> {
  const lab = await startLab({ progress: (line) => process.stderr.write(`${line}\n`) });
  return {
    label: 'real hosts in namespaces: a member with its guest and the guest’s container',
    repo: lab.repo,
    node: 'n1',
    env: lab.env,
    prepare: async () => {
      await lab.reset();
      await lab.setSpec('n1', { version: '26.05.3', app: 'v2' });
      const revision = await lab.setSpec('g1', { version: '26.05.3', app: 'v2' });
      await lab.publishWeb({ version: 'v2', healthy: true });
      return revision;
    },
    verify: async () => {
      for (const node of ['n1', 'g1']) {
        const { stdout } = await lab.run(node, ['cat', '/run/current-system/nixos-version']);
        if (stdout.trim() !== '26.05.3') throw new Error(`Expected ${node} to run 26.05.3, got ${stdout.trim()}.`);
      }
    },
    stop: () => lab.stop(),
  };
}

async function simulatedStage(dir: string): Promise<UpgradeStage> {
  let simulation: Simulation | undefined;
  const stop = async (): Promise<void> => {
    simulation?.dispose();
    simulation = undefined;
    await rm(dir, { recursive: true, force: true });
  };
  const begin = async (): Promise<Simulation> => {
    await stop();
    return (simulation = await createSimulation(dir));
  };
  const { binDir, repoDir } = await begin();
  return {
    label: 'the simulator, whose programs are slower than real ones: a member with its guests',
    repo: repoDir,
    node: 'elitedesk-1',
    env: { PATH: `${binDir}${delimiter}${process.env['PATH'] ?? ''}` },
    prepare: async () => (await begin()).setSpec('elitedesk-1', { version: '26.05.2' }),
    verify: () => {
      const profiles = simulation?.journal().filter(({ tool, phase }) => tool === 'deploy' && phase === 'after') ?? [];
      if (!profiles.some(({ exitCode }) => exitCode === 0)) throw new Error('Expected a deployment that succeeded.');
      return Promise.resolve();
    },
    stop,
  };
}
