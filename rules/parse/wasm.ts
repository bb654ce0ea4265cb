import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

/** Parsers as WebAssembly, which needs no compiler where it is installed. The build puts them beside the program. */
const PLACES = {
  runtime: 'web-tree-sitter/web-tree-sitter.wasm',
  nix: '@cursorless/tree-sitter-wasms/out/tree-sitter-nix.wasm',
  hcl: '@cursorless/tree-sitter-wasms/out/tree-sitter-hcl.wasm',
};

export const readWasm = (name: keyof typeof PLACES): Promise<Uint8Array> =>
  readFile(createRequire(import.meta.url).resolve(PLACES[name]));
