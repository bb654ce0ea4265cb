/** What only a reboot changes, each as the store path that it comes from. Absent in guests without a kernel of their own. */
export type BootParts = Partial<Record<BootPart, string>>;

export const BOOT_PARTS = ['kernel', 'initrd', 'kernel-modules'] as const;
export type BootPart = (typeof BOOT_PARTS)[number];

/** `target`: what `SYSTEM/kernel` and its like point to. A link from one file of a store path to another does not count. */
export function bootParts(target: (part: BootPart) => string | undefined): BootParts {
  return Object.fromEntries(
    BOOT_PARTS.flatMap((part) => {
      const path = storePath(target(part));
      return path === undefined ? [] : [[part, path]];
    }),
  );
}

/** Which of the booted parts would be others after a reboot into `next`. None known to be booted: nothing to reboot for. */
export function changedBootParts(next: BootParts, booted: BootParts): BootPart[] {
  return BOOT_PARTS.filter((part) => booted[part] !== undefined && next[part] !== booted[part]);
}

function storePath(path: string | undefined): string | undefined {
  return /^\/nix\/store\/[^/]+/.exec(path ?? '')?.[0];
}
