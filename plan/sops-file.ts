import { parse, YAMLParseError } from 'yaml';

/** What of a file of SOPS can be known without its data key. Nothing here is a secret: values stay as they are encrypted. */
export interface EncryptedFile {
  type: 'encrypted';
  /** The data key, encrypted to one recipient of age each. */
  stanzas: Stanza[];
  /** Recipients of other kinds: `pgp 85D7…`, `kms arn:…`. */
  others: string[];
  /** ISO 8601. A change of the recipients alone moves it too. */
  lastModified?: string;
  /** Where the encrypted values are: `caddy.token`, `list.0`. Empty for a file that is encrypted as a whole. */
  valueNames: string[];
  /** The encrypted values: they change with the data key, and not with the recipients. */
  ciphertexts: string[];
}

export interface Stanza {
  recipient: string;
  /** Armoured, as age takes it. */
  enc: string;
}

export type SecretFile = EncryptedFile | { type: 'plain' } | { type: 'unreadable'; message: string };

type Tree = Record<string, unknown>;

/** Other kinds of recipients, by the field of SOPS's that names one. */
const OTHER_KINDS: Readonly<Record<string, string>> = {
  pgp: 'fp',
  kms: 'arn',
  gcp_kms: 'resource_id',
  azure_kv: 'vault_url',
  hc_vault: 'vault_address',
};
const VALUE = /^ENC\[AES256_GCM,/;
const VALUES = /ENC\[AES256_GCM,[^\]]*\]/g;

/** Reads a file as SOPS takes it by its name: YAML, JSON, dotenv, INI, or anything, which becomes JSON. Never throws. */
export function readSecretFile(path: string, text: string): SecretFile {
  const read = treeOf(path, text);
  if ('message' in read) return { type: 'unreadable', message: read.message };
  const { sops, ...values } = read.tree;
  if (!isTree(sops)) return { type: 'plain' };
  const { age, lastmodified } = sops;
  const groups = listOf(sops['key_groups']);
  return {
    type: 'encrypted',
    stanzas: [age, ...groups.map((group) => group['age'])].flatMap(stanzasOf),
    others: [sops, ...groups].flatMap(othersIn),
    ...(typeof lastmodified === 'string' ? { lastModified: lastmodified } : {}),
    valueNames: read.whole ? [] : namesIn(values, []),
    ciphertexts: text.match(VALUES) ?? [],
  };
}

const stanzasOf = (list: unknown): Stanza[] =>
  listOf(list).flatMap(({ recipient, enc }) =>
    typeof recipient === 'string' && typeof enc === 'string' ? [{ recipient, enc }] : [],
  );

const othersIn = (holder: Tree): string[] =>
  Object.entries(OTHER_KINDS).flatMap(([kind, field]) =>
    listOf(holder[kind]).flatMap((each) => (typeof each[field] === 'string' ? [`${kind} ${each[field]}`] : [])),
  );

const namesIn = (value: unknown, path: readonly string[]): string[] => {
  if (typeof value === 'string') return VALUE.test(value) ? [path.join('.')] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => namesIn(inner, [...path, key]));
};

function treeOf(path: string, text: string): { tree: Tree; whole: boolean } | { message: string } {
  if (/\.env$/.test(path)) return { tree: unflattened(envLines(text), 'sops_'), whole: false };
  if (/\.ini$/.test(path)) return { tree: iniTree(text), whole: false };
  const isYaml = /\.ya?ml$/.test(path);
  const isJson = /\.json$/.test(path);
  try {
    // JSON is YAML too, but what is neither has a message of its own only there.
    const tree: unknown = isYaml ? parse(text, { maxAliasCount: 0, logLevel: 'error' }) : JSON.parse(text);
    return { tree: isTree(tree) ? tree : {}, whole: !isYaml && !isJson };
  } catch (error) {
    if (!isYaml && !isJson) return { tree: {}, whole: true };
    // Not its message: the excerpt in it may be a secret, where the file is plain.
    const line = error instanceof YAMLParseError ? error.linePos?.[0].line : undefined;
    return { message: `it is no ${isYaml ? 'YAML' : 'JSON'}${line === undefined ? '' : ` (line ${line})`}` };
  }
}

const envLines = (text: string): [string, string][] =>
  text.split('\n').flatMap((line) => {
    const at = line.indexOf('=');
    return at === -1 || line.startsWith('#') ? [] : [[line.slice(0, at), line.slice(at + 1)] as [string, string]];
  });

function iniTree(text: string): Tree {
  const tree: Record<string, Record<string, string>> = {};
  let section = '';
  for (const line of text.split('\n')) {
    const header = /^\s*\[(.+)\]\s*$/.exec(line)?.[1];
    const [, key, value] = /^\s*([^;#=][^=]*?)\s*=\s*(.*)$/.exec(line) ?? [];
    if (header !== undefined) section = header;
    else if (key !== undefined && value !== undefined) (tree[section] ??= {})[key] = unquoted(value);
  }
  const { sops, '': top, ...sections } = tree;
  const values = { ...top, ...sections };
  return sops === undefined ? values : { ...values, ...unflattened(Object.entries(sops), '') };
}

const unquoted = (value: string): string => (/^`[^]*`$|^"[^]*"$/.test(value) ? value.slice(1, -1) : value);

/** SOPS writes its own fields there as `age__list_0__map_recipient`, with `prefix` in front. */
function unflattened(lines: readonly (readonly [string, string])[], prefix: string): Tree {
  const tree: Tree = {};
  const sops: Tree = {};
  for (const [key, value] of lines) {
    if (prefix !== '' && !key.startsWith(prefix)) {
      tree[key] = value;
      continue;
    }
    const [field = '', index, inner] = key.slice(prefix.length).split(/__list_(\d+)__map_/);
    const plain = value.replaceAll('\\n', '\n');
    if (index === undefined || inner === undefined) sops[field] = plain;
    else {
      const list = (sops[field] ??= []) as Tree[];
      (list[Number(index)] ??= {})[inner] = plain;
    }
  }
  return Object.keys(sops).length === 0 ? tree : { ...tree, sops };
}

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);
const listOf = (value: unknown): Tree[] => (Array.isArray(value) ? value.filter(isTree) : []);
