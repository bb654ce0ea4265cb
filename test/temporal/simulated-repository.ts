import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Simulation } from '../../simulator/create.ts';
import { referenceFleetFile } from '../../simulator/reference-fleet.ts';

const REPOSITORY = 'rest:http://backup.lan/edge';

/** Declares a backup `to-restic` of edge-vm, whose repository has a snapshot of `/srv/data` that is so many hours old. */
export async function inRepository(simulation: Simulation, hours = 5): Promise<void> {
  const entry = `  to-restic:
    guest: edge-vm
    to:
      - { type: restic, repository: ${REPOSITORY}, passwordFile: /etc/restic-password, paths: [/srv/data], keep: { last: 1 } }
`;
  simulation.setFleetFile(referenceFleetFile().replace(/^backups:\n/m, `backups:\n${entry}`));
  const file = join(simulation.store.root('edge-vm'), 'etc/restic-password');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, 'secret\n', { mode: 0o600 });
  const snapshot = {
    ...{ id: 'a'.repeat(64), hostname: 'edge-vm', paths: ['/srv/data'], tags: ['runbook'] },
    time: new Date(Date.now() - hours * 3_600_000).toISOString(),
    files: { '/srv/data/page': Buffer.from('before\n').toString('base64') },
  };
  await simulation.store.update((state) => {
    state.repositories = { [REPOSITORY]: { password: 'secret', snapshots: [snapshot], locks: [] } };
  });
}
