#!/usr/bin/env node
/**
 * Takes the pictures of the Web UI that the docs show, of the runs of `npm run demo`, and ends the demonstration.
 *
 *   node scripts/take-pictures.mjs                     into docs/images
 *   CHROMIUM=/usr/bin/chromium node scripts/take-pictures.mjs FOLDER
 *
 * Needs Chromium: the one that CHROMIUM names, or `chromium` in PATH. Look at what it made before you commit it.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const [folder = join(ROOT, 'docs', 'images')] = process.argv.slice(2);
const RUN = 'safe-upgrade/elitedesk-1';

/** Each waits for what it is to show: the pages load in pieces. */
const PICTURES = [
  {
    file: 'web-ui-list.png',
    path: () => '/namespaces/default/workflows',
    size: { width: 1440, height: 500 },
    shows: ({ page }) => page.getByRole('link', { name: RUN }).nth(1),
  },
  {
    file: 'web-ui-run.png',
    path: ({ runId }) => `/namespaces/default/workflows/${encodeURIComponent(RUN)}/${runId}/timeline`,
    size: { width: 1440, height: 1480 },
    shows: ({ page }) => page.getByText('resolveScope').first(),
  },
  {
    file: 'web-ui-details.png',
    path: ({ runId }) => `/namespaces/default/workflows/${encodeURIComponent(RUN)}/${runId}/user-metadata`,
    size: { width: 1440, height: 1100 },
    shows: ({ page }) => page.frameLocator('#user-metadata-current-details').getByText('Rolled back'),
  },
];

/** Starts the demonstration and resolves when both runs are over. */
async function perform() {
  const demo = spawn(process.execPath, [join(ROOT, 'dist', 'demo', 'main.js')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const runIds = [];
  let address;
  for await (const line of createInterface({ input: demo.stdout })) {
    console.log(line);
    address ??= /^Web UI: (http:\S+)/.exec(line)?.[1];
    runIds.push(...line.split(' · ').flatMap((part) => /\/([0-9a-f-]{36})$/.exec(part)?.[1] ?? []));
    if (line.startsWith('Ctrl-C ends')) return { demo, address, runId: runIds.at(-1) };
  }
  throw new Error('The demonstration ended before both runs were over.');
}

async function takePictures({ address, runId }) {
  const browser = await chromium.launch({ executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium' });
  try {
    for (const { file, path, size, shows } of PICTURES) {
      const page = await browser.newPage({ viewport: size });
      await page.goto(`${address}${path({ runId })}`, { waitUntil: 'domcontentloaded' });
      await shows({ page }).waitFor({ timeout: 30_000 });
      await page.screenshot({ path: join(folder, file) });
      console.log(join(folder, file));
      await page.close();
    }
  } finally {
    await browser.close();
  }
}

await mkdir(folder, { recursive: true });
const { demo, ...stage } = await perform();
try {
  await takePictures(stage);
} finally {
  demo.kill('SIGINT');
  await once(demo, 'exit');
}
