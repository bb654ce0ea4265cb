import type { KernelParts } from './observation.ts';

/** True where a switch is not enough: kernel, initrd or modules differ from the booted ones. */
export function needsReboot(booted: KernelParts | undefined, next: KernelParts | undefined): boolean {
  if (!booted || !next) return false;
  return booted.kernel !== next.kernel || booted.initrd !== next.initrd || booted.kernelModules !== next.kernelModules;
}
