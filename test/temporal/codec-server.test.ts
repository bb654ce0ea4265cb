import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ApplicationFailure } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { chromium, type Browser } from 'playwright-core';
import { main } from '../../cli/program.ts';
import { startDevServer, type DevServer } from '../../workers/dev-server.ts';
import { findFreePort, UI_OFFSET } from '../../workers/ports.ts';
import { GLANCE_WORKFLOW } from '../../workflows/messages.ts';
import { testIo, type TestIo } from '../cli/io.ts';
import { startEncryptedFleet, type EncryptedFleet } from './encrypted-fleet.ts';

const run = promisify(execFile);
const TEMPORAL = process.env['RUNBOOK_TEMPORAL'] ?? '';
const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const hasChromium = await access(CHROMIUM).then(
  () => true,
  () => false,
);
const CANARY = 'canary-in-a-coal-mine';
const TOKEN = 'a-token-that-nobody-guesses';

/** A free port that is neither a server's nor its Web UI's. */
async function otherThan(port: number): Promise<number> {
  const found = await findFreePort();
  return found === port || found === port + UI_OFFSET ? otherThan(port) : found;
}

/** A command that serves until it is interrupted. */
interface Serving {
  io: TestIo;
  ended: Promise<number>;
}

describe('encrypted runs, for somebody with Temporal’s own tools and the codec server', () => {
  let folder: string;
  let server: DevServer;
  let env: TestWorkflowEnvironment;
  let fleet: EncryptedFleet;
  let forUi: string;
  let forCli: string;
  const serving: Serving[] = [];

  const serve = async (keys: string, ...argv: string[]): Promise<string> => {
    const io = testIo({ cwd: folder, env: { RUNBOOK_CODEC_KEYS: keys } });
    const ended = main(['codec-server', ...argv], io);
    serving.push({ io, ended });
    await Promise.race([io.shown('Keys: a'), ended]);
    return /listens at (\S+)/.exec(io.out())?.[1] ?? io.err();
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'runbook-codec-'));
    const port = await findFreePort();
    const codecPort = await otherThan(port);
    const extraArgs = ['--ui-codec-endpoint', `http://127.0.0.1:${codecPort}`];
    server = await startDevServer({ executable: TEMPORAL, folder, port, extraArgs });
    env = await TestWorkflowEnvironment.createFromExistingServer({ address: server.address });
    fleet = await startEncryptedFleet(env);
    const keys = await fleet.keys(['a', 1]);
    await writeFile(join(folder, 'token'), TOKEN, { mode: 0o600 });
    forUi = await serve(keys, '--listen', `127.0.0.1:${codecPort}`, '--origin', server.uiAddress);
    forCli = await serve(keys, '--listen', '127.0.0.1:0', '--token-file', 'token');
    const looks = [
      () => Promise.resolve({ members: [], guests: [], problem: CANARY }),
      () => Promise.reject(ApplicationFailure.nonRetryable(CANARY, 'Unhealthy')),
    ];
    await fleet.work(keys, { instead: { glanceAtFleet: () => looks.shift()?.() } });
    while (looks.length > 0) expect((await fleet.cli(keys, 'status', '--live')).out).toContain(CANARY);
  }, 120_000);
  afterAll(async () => {
    for (const { io, ended } of serving) {
      io.interrupt();
      await ended;
    }
    await fleet.dispose();
    await env.teardown();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  const lookThat = async (ended: 'COMPLETED' | 'FAILED'): Promise<{ workflowId: string; runId: string }> => {
    for await (const { workflowId, runId, status, type } of env.client.workflow.list())
      if (status.name === ended && type === GLANCE_WORKFLOW) return { workflowId, runId };
    throw new Error('Expected a run.');
  };
  const show = async (ended: 'COMPLETED' | 'FAILED', ...argv: string[]): Promise<string> => {
    const { workflowId } = await lookThat(ended);
    const of = ['workflow', 'show', '--workflow-id', workflowId, '--address', server.address];
    return (await run(TEMPORAL, [...of, ...argv])).stdout;
  };
  /** What is in the payloads of a history, which are bytes there. */
  const payloadsIn = (history: string): string =>
    [...history.matchAll(/"data": "([^"]+)"/g)].map(([, data = '']) => Buffer.from(data, 'base64').toString()).join();
  const withCodec = () => ['--codec-endpoint', forCli, '--codec-auth', `Bearer ${TOKEN}`];

  it('`temporal workflow show` has the text with it, and without it what is encrypted', async () => {
    expect((await fleet.kept((await lookThat('COMPLETED')).workflowId)).includes(CANARY)).toBe(false);
    const without = await show('COMPLETED');
    expect(without).toContain('binary/encrypted');
    expect(without).not.toContain(CANARY);
    expect(await show('COMPLETED', ...withCodec())).toContain(CANARY);
  });

  it('a history of `temporal workflow show` has messages of failures with it, and without it none', async () => {
    const without = await show('FAILED', '--output', 'json');
    expect(without).toContain('Encoded failure');
    expect(without + payloadsIn(without)).not.toContain(CANARY);
    const history = await show('FAILED', '--output', 'json', ...withCodec());
    expect(payloadsIn(history)).toContain(`"message":"${CANARY}"`);
  });

  // Visibly skipped, not passed, where there is no Chromium.
  (hasChromium ? describe : describe.skip)(`in the Web UI, with ${CHROMIUM}`, () => {
    let browser: Browser;
    beforeAll(async () => {
      browser = await chromium.launch({ executablePath: CHROMIUM });
    }, 60_000);
    afterAll(() => browser.close());

    it.each(['COMPLETED', 'FAILED'] as const)(
      'the page of a run that is %s says why',
      async (ended) => {
        const { workflowId, runId } = await lookThat(ended);
        const page = await browser.newPage({ viewport: { width: 1440, height: 1500 } });
        // The page is a large program, and a busy machine takes its time for it.
        page.setDefaultTimeout(120_000);
        const asked = page.waitForResponse((response) => response.url().startsWith(`${forUi}/decode`));
        const path = `/namespaces/default/workflows/${encodeURIComponent(workflowId)}/${runId}/history`;
        await page.goto(server.uiAddress + path, { waitUntil: 'domcontentloaded' });
        expect((await asked).status()).toBe(200);
        await page.getByText(CANARY).first().waitFor();
      },
      180_000,
    );
  });
});
