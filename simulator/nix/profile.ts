import { lstatSync, mkdirSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ToolError } from '../core/call.ts';

/** Nix profiles as nix keeps them: `system` → `system-3-link` → the store. Each change is one rename. */

export interface Generation {
  number: number;
  /** Where its link leads. */
  path: string;
  createdAt: Date;
}

export function generations(profile: string): Generation[] {
  const pattern = new RegExp(`^${basename(profile)}-(\\d+)-link$`);
  return readdirSync(dirname(profile))
    .flatMap((name) => {
      const number = pattern.exec(name)?.[1];
      const link = join(dirname(profile), name);
      return number === undefined
        ? []
        : [{ number: Number(number), path: readlinkSync(link), createdAt: lstatSync(link).mtime }];
    })
    .sort((a, b) => a.number - b.number);
}

/** Undefined for a profile that does not exist yet. */
export function currentGeneration(profile: string): number | undefined {
  try {
    const number = /-(\d+)-link$/.exec(readlinkSync(profile))?.[1];
    return number === undefined ? undefined : Number(number);
  } catch {
    return undefined;
  }
}

/** As `nix-env --set`: no new generation where the newest has the same path already. */
export function setProfile(profile: string, path: string): void {
  mkdirSync(dirname(profile), { recursive: true });
  const newest = generations(profile).at(-1);
  const number = newest?.path === path ? newest.number : (newest?.number ?? 0) + 1;
  if (newest?.path !== path) replaceLink(linkOf(profile, number), path);
  replaceLink(profile, basename(linkOf(profile, number)));
}

export function switchGeneration(profile: string, number: number): void {
  if (!generations(profile).some((generation) => generation.number === number))
    throw new ToolError(`error: profile version ${number} does not exist`);
  replaceLink(profile, basename(linkOf(profile, number)));
}

/** The number that it went back to. */
export function rollBack(profile: string): number {
  const current = currentGeneration(profile) ?? 0;
  const previous = generations(profile).findLast(({ number }) => number < current);
  if (!previous) throw new ToolError(`error: no profile version older than the current (${current}) exists`);
  switchGeneration(profile, previous.number);
  return previous.number;
}

export function deleteGeneration(profile: string, number: number, profileName: string): void {
  if (number === currentGeneration(profile))
    throw new ToolError(`error: cannot delete current version of profile '${profileName}'`);
  rmSync(linkOf(profile, number), { force: true });
}

export function replaceLink(link: string, target: string): void {
  const aside = `${link}.${process.pid}.tmp`;
  mkdirSync(dirname(link), { recursive: true });
  rmSync(aside, { force: true });
  symlinkSync(target, aside);
  renameSync(aside, link);
}

function linkOf(profile: string, number: number): string {
  return `${profile}-${number}-link`;
}
