'use strict';
/** Runs a command of dist/cli/main.js and keeps beside each part that it loaded what V8 compiled of it. */
const { readFileSync, renameSync, writeFileSync } = require('node:fs');
const { crc32 } = require('node:zlib');

const [program, ...argv] = process.argv.slice(2);
process.argv = [process.execPath, program, ...argv];
const parts = require(program);

process.on('exit', () => {
  for (const { filename, script } of parts.values()) {
    if (script.cachedDataRejected === false) continue;
    const aside = `${filename}.${process.pid}.tmp`;
    const compiled = script.createCachedData();
    // Eight bytes, for V8 wants what follows to be aligned.
    const head = Buffer.alloc(8);
    head.writeUInt32LE(crc32(compiled, crc32(readFileSync(filename))));
    writeFileSync(aside, Buffer.concat([head, compiled]));
    renameSync(aside, `${filename}.cache`);
  }
});
