import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { parse, stringify } from 'yaml';
import { ToolError, Unknown, type Call } from '../core/call.ts';
import { armoured, decrypted, encryptedTo } from './age.ts';

interface Metadata {
  age: { recipient: string; enc: string }[];
  lastmodified: string;
  mac: string;
  version: string;
}
type Tree = Record<string, unknown>;

const NO_KEY = 'Failed to get the data key required to decrypt the SOPS file.\n\nGroup 0: FAILED';
const VALUE = /^ENC\[AES256_GCM,data:([^,]*),iv:([^,]*),tag:[^,]*,type:str\]$/;

/**
 * `sops decrypt --output /dev/null FILE`, `--config FILE updatekeys --yes FILE`, `rotate --in-place FILE` for files of YAML with
 * texts in it. Encrypted as age is here: so that nothing plain is found by whoever looks, and by the data key of the file.
 */
export function sops(call: Call): number {
  const words = call.args.join(' ');
  if (words === '--disable-version-check --version') {
    call.out('sops 3.12.2\n');
    return 0;
  }
  const path = resolve(call.cwd, call.args.at(-1) ?? '');
  const keyFile = call.env['SOPS_AGE_KEY_FILE'] ?? '';
  if (/^decrypt --output \/dev\/null \S+$/.test(words)) {
    open(path, keyFile);
    return 0;
  }
  if (/^rotate --in-place \S+$/.test(words)) {
    const { values, metadata } = open(path, keyFile);
    call.changed(path);
    writeFileSync(
      path,
      encryptedFile(
        values,
        metadata.age.map(({ recipient }) => recipient),
      ),
    );
    return 0;
  }
  if (/^--config \S+ updatekeys --yes \S+$/.test(words)) return updateKeys(call, path, keyFile);
  throw new Unknown('expected decrypt --output /dev/null, updatekeys --yes or rotate --in-place');
}

function updateKeys({ args: [, config = ''], cwd, err, changed }: Call, path: string, keyFile: string): number {
  const rules = parse(readFileSync(resolve(cwd, config), 'utf8')) as {
    creation_rules: { path_regex?: string; age?: string; key_groups?: { age: string[] }[] }[];
  };
  const name = relative(dirname(resolve(cwd, config)), path);
  const rule = rules.creation_rules.find(({ path_regex: regex = '' }) => new RegExp(regex).test(name));
  err(`2026/11/28 06:24:40 Syncing keys for file ${path}\n`);
  if (rule === undefined) throw new ToolError('error loading config: no matching creation rules found');
  const recipients = [
    ...(rule.age ?? '').split(',').filter((word) => word !== ''),
    ...(rule.key_groups ?? []).flatMap((group) => group.age),
  ].map((word) => word.trim());
  const { dataKey, tree, metadata } = open(path, keyFile);
  const now = metadata.age.map(({ recipient }) => recipient);
  if (now.join() === recipients.join()) {
    err(`2026/11/28 06:24:40 File ${path} already up to date\n`);
    return 0;
  }
  changed(path);
  writeFileSync(path, written(tree, { ...metadata, age: stanzas(dataKey, recipients) }));
  err(`2026/11/28 06:24:40 File ${path} synced with new keys\n`);
  return 0;
}

interface Opened {
  dataKey: Buffer;
  /** Encrypted. */
  tree: Tree;
  values: Tree;
  metadata: Metadata;
}

function open(path: string, keyFile: string): Opened {
  if (!existsSync(path)) throw new ToolError(`Error: cannot operate on non-existent file "${path}"`, 100);
  const { sops: metadata, ...tree } = parse(readFileSync(path, 'utf8')) as Tree & { sops?: Metadata };
  if (metadata === undefined) throw new ToolError('sops metadata not found');
  const keys = existsSync(keyFile) ? readFileSync(keyFile, 'utf8') : '';
  const dataKey = metadata.age.map(({ enc }) => dataKeyIn(enc, keys)).find((key) => key !== undefined);
  if (dataKey === undefined) throw new ToolError(NO_KEY, 128);
  const values = mapped(tree, (text) => plain(text, dataKey));
  if (metadata.mac !== macOf(values)) throw new ToolError('MAC mismatch. File has …, computed …', 51);
  return { dataKey, tree, values, metadata };
}

function dataKeyIn(enc: string, keys: string): Buffer | undefined {
  try {
    return decrypted(enc, keys);
  } catch {
    return undefined;
  }
}

/** A file of YAML with these texts in it, encrypted with a new data key. */
export function encryptedFile(values: Tree, recipients: readonly string[]): string {
  const dataKey = randomBytes(32);
  const metadata = {
    age: stanzas(dataKey, recipients),
    lastmodified: new Date().toISOString(),
    mac: macOf(values),
    version: '3.12.2',
  };
  return written(
    mapped(values, (text) => cipher(text, dataKey)),
    metadata,
  );
}

const written = (tree: Tree, metadata: Metadata): string => stringify({ ...tree, sops: metadata });

const stanzas = (dataKey: Buffer, recipients: readonly string[]): Metadata['age'] =>
  recipients.map((recipient) => ({ recipient, enc: armoured(encryptedTo([recipient], dataKey)) }));

function mapped(tree: Tree, change: (text: string) => string): Tree {
  return Object.fromEntries(
    Object.entries(tree).map(([key, value]) => [
      key,
      typeof value === 'string' ? change(value) : typeof value === 'object' ? mapped(value as Tree, change) : value,
    ]),
  );
}

function cipher(text: string, dataKey: Buffer): string {
  const iv = createHash('sha256').update(text).digest('base64');
  return `ENC[AES256_GCM,data:${mixed(Buffer.from(text), dataKey, iv).toString('base64')},iv:${iv},tag:x,type:str]`;
}

function plain(text: string, dataKey: Buffer): string {
  const [, data = '', iv = ''] = VALUE.exec(text) ?? [];
  return mixed(Buffer.from(data, 'base64'), dataKey, iv).toString();
}

/** There and back. */
function mixed(bytes: Buffer, dataKey: Buffer, iv: string): Buffer {
  const stream = createHash('sha512').update(dataKey).update(iv).digest();
  return Buffer.from(bytes.map((byte, at) => byte ^ (stream[at % stream.length] ?? 0)));
}

const macOf = (values: Tree): string => createHash('sha256').update(JSON.stringify(values)).digest('hex');
