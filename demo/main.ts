#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { reportError } from '../cli/errors.ts';
import { exitCode } from '../cli/exit-codes.ts';
import { processIo } from '../cli/io.ts';
import { onStopSignal } from '../workers/stop-signals.ts';
import { runDemo } from './demo.ts';
import { realStage } from './real.ts';
import { simulatedStage } from './simulated.ts';

const { values } = parseArgs({
  options: { once: { type: 'boolean', default: false }, lab: { type: 'boolean', default: false } },
});
const io = processIo();
const stop = new AbortController();
onStopSignal(() => {
  stop.abort();
});
// A reader that has left, as of `npm run demo | head`, wants it no longer.
process.stdout.on('error', () => {
  stop.abort();
});
const setStage = values.lab ? () => realStage(io) : simulatedStage;
const ending = await runDemo({ io, once: values.once, signal: stop.signal, setStage }).catch((error: unknown) =>
  reportError(io, error),
);
process.exit(exitCode(ending));
