import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { provide } from './cache.ts';
import type { Kind } from './machines.ts';
import { cacheFolder, shipped } from './paths.ts';
import { onPath } from './requirements.ts';
import { check, narrate } from './shell.ts';
import { provideVms } from './vms/parts.ts';

const DEPLOY_RS = '1.0.0';

export interface Parts {
  rootfs: string;
  deployRs: string;
  seed: string;
  vms?: { qemu: string; image: string };
}

/**
 * What a golden state is made from: Debian's root, deploy-rs, the lab's own layer with its ssh key, and of virtual hosts what
 * `provideVms` says. Built where they are missing.
 */
export async function provideParts(kind: Kind, progress: (line: string) => void): Promise<Parts> {
  const cache = cacheFolder();
  const rootfs = await provide(
    cache,
    {
      name: 'rootfs',
      inputs: { files: [shipped('rootfs', 'build.sh')] },
      proof: ['debian/usr/libexec/incus/incusd', 'debian/usr/bin/nix', 'debian/usr/bin/podman'],
      build: (folder) =>
        narrate([shipped('rootfs', 'build.sh'), join(folder, 'debian')], (line) => {
          progress(`rootfs: ${line}`);
        }),
    },
    progress,
  );
  const deployRs = await provide(
    cache,
    {
      name: `deploy-rs-${DEPLOY_RS}`,
      inputs: { files: [] },
      proof: ['bin/deploy', 'bin/activate'],
      build: (folder) => buildDeployRs(folder, progress),
    },
    progress,
  );
  const masked = shipped('namespaces', 'masked-units');
  const seed = await provide(
    cache,
    {
      name: 'seed',
      inputs: { files: [shipped('rootfs', 'seed.sh'), masked, shipped('seed')] },
      proof: ['id', 'layer/root/.ssh/authorized_keys'],
      build: async (folder) => {
        const key = join(folder, 'id');
        await check(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'runbook lab', '-f', key]);
        await check([shipped('rootfs', 'seed.sh'), join(folder, 'layer'), `${key}.pub`, masked]);
      },
    },
    progress,
  );
  const parts = { rootfs: join(rootfs, 'debian'), deployRs, seed };
  return kind === 'vms' ? { ...parts, vms: await provideVms(parts, progress) } : parts;
}

/** Compiles `deploy` and `activate`: about two minutes on two cores. */
async function buildDeployRs(folder: string, progress: (line: string) => void): Promise<void> {
  if (!onPath('cargo')) {
    progress('deploy-rs: apt-get install cargo');
    await check(['apt-get', 'install', '-y', '-qq', '--no-install-recommends', 'cargo'], {
      env: { DEBIAN_FRONTEND: 'noninteractive' },
    });
  }
  progress(`deploy-rs: cargo install deploy-rs ${DEPLOY_RS} (minutes)`);
  await mkdir(folder, { recursive: true });
  const target = ['--target-dir', join(folder, 'target')];
  await check(['cargo', 'install', '-q', 'deploy-rs', '--version', DEPLOY_RS, '--locked', '--root', folder, ...target]);
  await check(['rm', '-rf', join(folder, 'target')]);
}
