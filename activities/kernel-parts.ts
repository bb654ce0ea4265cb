import type { KernelParts } from '../plan/observation.ts';
import type { BootParts } from '../tools/boot-parts.ts';

/** Undefined where the machine boots no kernel of its own: a container needs no reboot for one. */
export function kernelParts(parts: BootParts): KernelParts | undefined {
  const { kernel, initrd, 'kernel-modules': kernelModules } = parts;
  if (kernel === undefined) return undefined;
  return { kernel, initrd: initrd ?? '', kernelModules: kernelModules ?? '' };
}
