import { afterAll, beforeAll } from '@jest/globals';
import { startLab, type Lab } from '../../lab/api.ts';
import type { Kind } from '../../lab/machines.ts';

/** The first start of a machine builds Debian's root, deploy-rs and the golden state; for virtual hosts OpenZFS as well. */
const BUILD_MS: Record<Kind, number> = { namespaces: 20 * 60_000, vms: 50 * 60_000 };

/** A lab of this suite's own, started before its tests and removed after them. Call it at the top of a suite. */
export function aLab(kind: Kind = 'namespaces'): () => Lab {
  let lab: Lab | undefined;
  beforeAll(async () => {
    lab = await startLab({ kind, progress: (line) => process.stderr.write(`lab: ${line}\n`) });
  }, BUILD_MS[kind]);
  afterAll(async () => {
    await lab?.stop();
  }, 60_000);
  return () => {
    if (lab === undefined) throw new Error('the lab has not started');
    return lab;
  };
}
