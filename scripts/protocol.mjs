/**
 * The part of Temporal's protocol that the command line speaks, as code. The SDK has the whole of it as a definition, of
 * which protobufjs makes code at each start: that takes longer than all else that `runbook status` does. What is needed
 * is read from the sources that need it.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import protobuf from 'protobufjs';
import pbjs from 'protobufjs-cli/pbjs.js';
import { ROOT } from './freshness.mjs';

const require = createRequire(import.meta.url);
const libOf = (name) => dirname(require.resolve(name));
/** The client's parts that the command line uses: its types allow for no other. */
const CALLERS = ['connection.js', 'workflow-client.js', 'schedule-client.js'].map((file) =>
  join(libOf('@temporalio/client'), file),
);
const NAMES = /\b(?:temporal\.api|google|grpc)\.[a-z][\w.]*/g;
const CALLS = /\b(?:workflow|operator|health)Service\.(\w+)/g;
/** What pbjs writes besides encode() and decode(). */
const NEVER_ASKED_FOR = ['verify', 'convert', 'delimited', 'typeurl', 'comments', 'beautify'];

/** For esbuild: puts code for the used part in place of the whole definition. */
export const usedProtocol = {
  name: 'used-protocol',
  setup({ onLoad }) {
    onLoad({ filter: /@temporalio[/]proto[/]protos[/]root[.]js$/ }, async () => ({ contents: await usedCode() }));
    // The client has it made at once, for payloads that are kept elsewhere; nobody configures such a place.
    onLoad({ filter: /@temporalio[/]common[/]lib[/]converter[/]protobuf-payload-converters[.]js$/ }, () => ({
      contents: 'exports.ProtobufJsonPayloadConverter = class {};',
    }));
  },
};

/** A CommonJS module with what encodes and decodes each message, and with the services: code that V8 can keep. */
export async function usedCode() {
  const root = protobuf.Root.fromJSON({ nested: usedPart(wholeProtocol()) });
  const code = await promisify(pbjs.generate)(root, {
    target: 'static-module',
    wrap: 'commonjs',
    ...Object.fromEntries(NEVER_ASKED_FOR.map((what) => [what, false])),
  });
  // The client looks for a service's methods in the service itself, where protobufjs puts them when it makes the code.
  return code.replaceAll(/return (new this\(rpcImpl, .*\));$/gm, 'return $Object.assign($1, this.prototype);');
}

/** @temporalio/proto as JSON. */
function wholeProtocol() {
  const text = readFileSync(require.resolve('@temporalio/proto/protos/json-module.js'), 'utf8');
  return JSON.parse(text.slice(text.indexOf('.addJSON(') + '.addJSON('.length, text.lastIndexOf('})') + 1));
}

function usedPart(protocol) {
  const ours = ['cli', 'workers'].flatMap((room) => sourcesIn(join(ROOT, room), '.ts'));
  const sdk = ['@temporalio/client', '@temporalio/common'].flatMap((name) => sourcesIn(libOf(name), '.js'));
  const calls = new Set(matches([...ours, ...CALLERS], CALLS).map(([, name]) => name.toLowerCase()));
  const definitions = withoutUnusedMethods(index(protocol), calls);
  const names = matches([...ours, ...sdk], NAMES).map(([name]) => longestKnown(name, definitions));
  return only(reachable(names, definitions), { nested: protocol }, '').nested;
}

const sourcesIn = (folder, ending) =>
  readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith(ending))
    .map((name) => join(folder, name));

const matches = (files, pattern) => files.flatMap((file) => [...readFileSync(file, 'utf8').matchAll(pattern)]);

/** Everything by its full name. */
function index(nested, prefix = '', all = new Map()) {
  for (const [name, child] of Object.entries(nested)) {
    all.set(`${prefix}${name}`, child);
    index(child.nested ?? {}, `${prefix}${name}.`, all);
  }
  return all;
}

function withoutUnusedMethods(definitions, calls) {
  for (const definition of definitions.values()) {
    if (definition.methods === undefined) continue;
    const used = Object.entries(definition.methods).filter(([name]) => calls.has(name.toLowerCase()));
    definition.methods = Object.fromEntries(used);
  }
  return definitions;
}

/** `….v1.Status.decode` names the type `….v1.Status`. */
function longestKnown(name, definitions) {
  const parts = name.split('.');
  while (parts.length > 0 && !definitions.has(parts.join('.'))) parts.pop();
  return parts.join('.');
}

function reachable(names, definitions) {
  const found = new Set();
  const todo = [...names];
  while (todo.length > 0) {
    const name = todo.pop();
    const definition = definitions.get(name);
    if (definition === undefined || found.has(name)) continue;
    found.add(name);
    const fields = Object.values(definition.fields ?? {}).flatMap(({ type, keyType }) => [type, keyType]);
    const messages = Object.values(definition.methods ?? {}).flatMap((each) => [each.requestType, each.responseType]);
    todo.push(...[...fields, ...messages].map((type) => resolved(type, name, definitions)));
  }
  return found;
}

/** A name in the scope of another, as protobuf resolves it: from the inside to the outside. */
function resolved(type, scope, definitions) {
  if (type === undefined || type.startsWith('.')) return type?.slice(1);
  for (let outer = scope; ; outer = outer.slice(0, Math.max(0, outer.lastIndexOf('.')))) {
    const full = outer === '' ? type : `${outer}.${type}`;
    if (definitions.has(full) || outer === '') return full;
  }
}

/** A type stays, without its fields, where one that is nested in it does. */
function only(kept, { nested, ...own }, name) {
  const children = Object.entries(nested ?? {})
    .map(([child, definition]) => [child, only(kept, definition, name === '' ? child : `${name}.${child}`)])
    .filter(([, definition]) => definition !== undefined);
  if (!kept.has(name) && children.length === 0) return undefined;
  const shell = own.fields === undefined ? {} : { fields: {} };
  return {
    ...(kept.has(name) ? own : shell),
    ...(children.length === 0 ? {} : { nested: Object.fromEntries(children) }),
  };
}
