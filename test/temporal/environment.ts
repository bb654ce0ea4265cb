import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, rename, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineSearchAttributeKey } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { bundleWorkflowCode, DefaultLogger, Runtime } from '@temporalio/worker';
import { SEARCH_ATTRIBUTES } from '../../workflows/messages.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

// The SDK tells every change of state otherwise, in the middle of the results.
const logger = new DefaultLogger('WARN');
Runtime.install({ logger });

/** The bundle of the real workflows, built before the tests. */
export const WORKFLOW_BUNDLE = { codePath: join(ROOT, 'dist', 'workflow-bundle.js') };

/** Set by global-setup.mjs. */
function program(variable: 'RUNBOOK_TEMPORAL' | 'RUNBOOK_TEMPORAL_TEST_SERVER'): string {
  const path = process.env[variable];
  if (path === undefined) throw new Error(`Expected ${variable} to be set by test/temporal/global-setup.mjs`);
  return path;
}

/** A real development server in memory, with runbook's search attributes; `teardown()` it in `afterAll`. */
export const startLocalServer = (extraArgs: string[] = []): Promise<TestWorkflowEnvironment> =>
  TestWorkflowEnvironment.createLocal({
    server: {
      executable: { type: 'existing-path', path: program('RUNBOOK_TEMPORAL') },
      searchAttributes: SEARCH_ATTRIBUTES.map((name) => defineSearchAttributeKey(name, 'KEYWORD')),
      extraArgs,
    },
  });

/** A server whose clock jumps over timers while a test waits for a result. It knows no search attributes. */
export const startTimeSkippingServer = (): Promise<TestWorkflowEnvironment> =>
  TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path: program('RUNBOOK_TEMPORAL_TEST_SERVER') } },
  });

/**
 * The bundle of workflows that only a test has, for the worker option `workflowBundle`. Kept under node_modules until
 * a file of the workflows' folder or of `workflows/` changes.
 */
export async function bundleOf(workflowsPath: string): Promise<{ codePath: string }> {
  const hash = createHash('sha256').update(workflowsPath);
  for (const folder of [dirname(workflowsPath), join(ROOT, 'workflows'), join(ROOT, 'plan')]) {
    for (const file of (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.ts')).sort())
      hash.update(await readFile(join(folder, file)));
  }
  const cache = join(ROOT, 'node_modules', '.cache', 'runbook');
  const codePath = join(cache, `${basename(workflowsPath, '.ts')}-${hash.digest('hex').slice(0, 16)}.js`);
  const isThere = await readFile(codePath).then(
    () => true,
    () => false,
  );
  if (!isThere) {
    const { code } = await bundleWorkflowCode({ workflowsPath, logger });
    await mkdir(cache, { recursive: true });
    await writeFile(`${codePath}.${process.pid}.tmp`, code);
    await rename(`${codePath}.${process.pid}.tmp`, codePath);
  }
  return { codePath };
}
