import { startLab } from '../lab/api.ts';
import { print, type Io } from '../cli/io.ts';
import type { Stage } from './stage.ts';

/** Real hosts in Linux namespaces with a clustered Incus, real deploy-rs and podman: as root, on a machine that can. */
export async function realStage(io: Io): Promise<Stage> {
  const lab = await startLab({
    progress: (line) => {
      print(io, [line]);
    },
  });
  const node = 'n1';
  const release = (change: Parameters<typeof lab.setSpec>[1]) => lab.setSpec(node, change).then(() => undefined);
  return {
    repo: lab.repo,
    node,
    binDir: lab.binDir,
    introduction: 'Real hosts: n1, n2 and n3 in one Incus cluster, with the guests g1, g2 and g3.',
    releaseGood: () => release({ version: '26.05.2', app: 'v2' }),
    releaseBad: () => release({ version: '26.05.3', app: 'v3', healthy: false }),
    end: () => lab.stop(),
  };
}
