#!/usr/bin/env node
'use strict';
/**
 * dist/cli/main.js. Loads the parts of the command line, each with what V8 had compiled of it when it was built: that
 * is half of a short command's time. V8 passes over what another version of it, or other flags, had compiled.
 */
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const vm = require('node:vm');
const { crc32 } = require('node:zlib');

const PARTS = join(__dirname, 'parts');
const loaded = new Map();

function load(name) {
  const known = loaded.get(name);
  if (known !== undefined) return known.module.exports;
  const filename = join(PARTS, name);
  const text = readFileSync(filename);
  const cachedData = compiledOf(text, `${filename}.cache`);
  const script = new vm.Script(text.latin1Slice(), { filename, cachedData });
  const module = { exports: {} };
  loaded.set(name, { filename, script, module });
  const requireFrom = (id) => (id.startsWith('./') ? load(id.slice(2)) : require(id));
  requireFrom.serve = () => import('../cli-serve.js');
  script.runInThisContext()(module.exports, requireFrom, module, filename, PARTS);
  return module.exports;
}

/** V8 trusts what it is given, and crashes on it where it was damaged: hence the checksum, of the text too. */
function compiledOf(text, path) {
  try {
    const kept = readFileSync(path);
    const compiled = kept.subarray(8);
    return kept.readUInt32LE(0) === crc32(compiled, crc32(text)) ? compiled : undefined;
  } catch {
    return undefined;
  }
}

load('main.js');
module.exports = loaded;
