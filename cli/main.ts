#!/usr/bin/env node
import { processIo } from './io.ts';
import { main } from './program.ts';

// What a library will do in some later Node.js is not what a person should see, as of TLS to an IP address.
process.noDeprecation = true;

/** Where a reader has left (`runbook list | head`) nothing failed: who follows a run leaves it, all else ends by itself. */
function unwritten(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') return;
  process.stderr.write(`What was to be said could not be written: ${error.message}\n`);
  process.exit(1);
}
process.stdout.on('error', unwritten);

// Not awaited: what is loaded by require(), as dist/cli is, cannot wait at its top.
void main(process.argv.slice(2), processIo()).then((code) => {
  // A full disk tells of itself only when all was written, and of the last write perhaps nowhere else.
  process.stdout.write('', () => {
    if (process.stdout.errored) unwritten(process.stdout.errored);
    process.exit(code);
  });
});
