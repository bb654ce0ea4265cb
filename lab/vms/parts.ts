import { cp, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { provide } from '../cache.ts';
import { cacheFolder, shipped } from '../paths.ts';
import { narrate } from '../shell.ts';

export interface Layer {
  name: string;
  /** Said when it is built. */
  what: string;
  keys: readonly string[];
  script: string;
  /** More files that it is made from. */
  files?: readonly string[];
  proof: readonly string[];
  /** Puts what the script reads into a folder. */
  put?: (to: string) => Promise<unknown>;
}
type Progress = (line: string) => void;

const RUN = shipped('rootfs', 'layer.sh');

/** The folder of what a script makes in a layer over Debian's root. */
export function provideLayer(rootfs: string, layer: Layer, progress: Progress): Promise<string> {
  const build = async (folder: string): Promise<void> => {
    progress(`${layer.name}: ${layer.what}`);
    await mkdir(join(folder, 'in'), { recursive: true });
    await layer.put?.(join(folder, 'in'));
    await narrate([RUN, rootfs, join(folder, 'layer'), layer.script], progress);
    for (const name of await readdir(folder))
      if (!layer.proof.some((file) => file.startsWith(`${name}/`))) await rm(join(folder, name), { recursive: true });
  };
  const inputs = { keys: layer.keys, files: [RUN, layer.script, ...(layer.files ?? [])] };
  return provide(cacheFolder(), { name: layer.name, inputs, proof: layer.proof, build }, progress);
}

/**
 * QEMU, OpenZFS's modules for Debian's kernel, and the disk that every virtual host begins with; built where missing.
 * @param base Debian's root, and the folder with the lab's ssh key
 */
export async function provideVms(
  { rootfs, seed }: { rootfs: string; seed: string },
  progress: Progress,
): Promise<{ qemu: string; image: string }> {
  const qemu = await provideLayer(
    rootfs,
    {
      name: 'qemu',
      what: 'packages: qemu-system-x86',
      keys: [rootfs],
      script: shipped('vms', 'qemu.sh'),
      proof: ['layer/usr/bin/qemu-system-x86_64', 'layer/usr/bin/qemu-img'],
    },
    progress,
  );
  const zfs = await provideLayer(
    rootfs,
    {
      name: 'zfs',
      what: 'compiling OpenZFS’s modules (six minutes on two cores)',
      keys: [], // the same over any root
      script: shipped('vms', 'zfs.sh'),
      proof: ['out/vmlinuz', 'out/modules'],
    },
    progress,
  );
  const scripts = ['rootfs/seed.sh', 'seed', 'vms/masked-units', 'vms/seed', 'vms/init'];
  const image = await provideLayer(
    rootfs,
    {
      name: 'image',
      what: 'the disk that a virtual host begins with',
      keys: [rootfs, zfs, seed],
      script: shipped('vms', 'image.sh'),
      files: scripts.map((name) => shipped(name)),
      proof: ['out/base.raw', 'out/initrd.gz', 'out/vmlinuz'],
      put: async (to) => {
        await cp(join(zfs, 'out'), join(to, 'zfs'), { recursive: true, verbatimSymlinks: true });
        await cp(join(seed, 'id.pub'), join(to, 'id.pub'));
        for (const name of scripts) await cp(shipped(name), join(to, 'scripts', name), { recursive: true });
      },
    },
    progress,
  );
  return { qemu: join(qemu, 'layer'), image: join(image, 'out') };
}
