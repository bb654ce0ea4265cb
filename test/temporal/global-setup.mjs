/** Once before the tests that need Temporal: a fresh build with its workflow bundle, and the two programs of Temporal. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

export default async function globalSetup() {
  const { status } = spawnSync(process.execPath, [at('scripts/setup.mjs'), '--quiet'], { stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error('scripts/setup.mjs failed; its messages are above');
  const { findTemporalCli, findTestServer, describeBinaryEvent } = await import(at('dist/workers/temporal-cli.js'));
  const report = (event) => console.error(describeBinaryEvent(event));
  process.env.RUNBOOK_TEMPORAL = (await findTemporalCli({ report })).path;
  process.env.RUNBOOK_TEMPORAL_TEST_SERVER = (await findTestServer({ report })).path;
}
