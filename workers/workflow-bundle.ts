import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { StartError } from './start-error.ts';

/** From a program in dist/, and from this file in the sources. */
const PLACES = ['../', '../dist/'];

/**
 * The workflows as `npm run build` bundled them: a worker that loads them polls 2.4 s sooner than one that bundles them.
 * `encoded`: messages of failures are payloads, which a codec encrypts. Throws StartError `broken` where they were not built.
 */
export const findWorkflowBundle = ({ encoded = false } = {}): { codePath: string } => ({
  codePath: built(encoded ? 'workflow-bundle-encoded.js' : 'workflow-bundle.js'),
});

/** What the SDK loads to write failures outside of workflows, likewise encoded. Throws as {@link findWorkflowBundle}. */
export const findFailureConverter = (): string => built('failure-converter.cjs');

function built(name: string): string {
  const path = PLACES.map((place) => fileURLToPath(new URL(place + name, import.meta.url))).find(existsSync);
  if (path !== undefined) return path;
  throw new StartError('broken', `${name} was not built.`, 'In a clone of runbook:  npm run build');
}
