import { describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';

interface Locked {
  optionalDependencies?: Record<string, string>;
}

const lock = JSON.parse(await readFile(new URL('../../package-lock.json', import.meta.url), 'utf8')) as {
  packages: Record<string, Locked>;
};

describe('package-lock.json', () => {
  it('has the packages of every platform, or "npm ci" refuses it', () => {
    const names = new Set(Object.keys(lock.packages).map((path) => path.replace(/^.*node_modules\//, '')));
    const missing = Object.entries(lock.packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies)
        .filter((name) => !names.has(name))
        .map((name) => `${path} needs ${name}`),
    );
    expect(names.size).toBeGreaterThan(300);
    expect(missing).toEqual([]);
  });
});
