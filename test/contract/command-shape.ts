import { basename } from 'node:path';

/** How a program's words are read: which name what is done, and which options take a value. */
interface Grammar {
  /** How many of the first words say what to do; further ones are names. */
  verbs: (words: readonly string[]) => number;
  /** Options whose value says what to do as well: it stays. */
  kept?: readonly string[];
  /** Options whose value is a name, a number or a text: it goes. */
  valued?: readonly string[];
  /** What a name stands for, where it has a form of its own. */
  operand?: (word: string) => string;
  /** Whole words are options with one hyphen: `-chdir=folder`. */
  oneHyphen?: true;
}

const always =
  (count: number): Grammar['verbs'] =>
  () =>
    count;
/** Two where the first is a noun: `cluster list`, `image inspect`. */
const nounFirst =
  (...nouns: string[]): Grammar['verbs'] =>
  ([first = '']) =>
    nouns.includes(first) ? 2 : 1;

const ENGINE: Grammar = {
  verbs: nounFirst('container', 'image'),
  kept: ['--pull'],
  valued: ['--filter', '--file', '--format', '--type'],
};

const GRAMMARS: Readonly<Record<string, Grammar>> = {
  'age-keygen': { verbs: always(0) },
  age: { verbs: always(0), valued: ['--recipient', '--identity'] },
  bash: { verbs: always(0), valued: ['-c'] },
  curl: { verbs: always(0), valued: ['--max-time', '--write-out', '--url'], kept: ['--proto'] },
  date: { verbs: always(1) },
  df: { verbs: always(0) },
  deploy: {
    verbs: always(0),
    valued: `--hostname --ssh-user --ssh-opts --magic-rollback --auto-rollback --confirm-timeout
      --activation-timeout`.split(/\s+/),
  },
  docker: ENGINE,
  find: { verbs: always(0), valued: ['-maxdepth', '-mindepth', '-name', '-printf'] },
  getent: { verbs: always(1) },
  ip: { verbs: always(2) },
  flock: { verbs: always(0), valued: ['--conflict-exit-code'] },
  git: {
    verbs: ([verb, what]) => (verb === 'cat-file' && what === 'blob' ? 2 : 1),
    valued: ['-C', '-p', '--max-count', '--cacheinfo'],
  },
  incus: {
    verbs: nounFirst('cluster', 'admin', 'storage', 'config'),
    kept: ['-f', '-X', '--action', '--mode'],
    valued: ['-d', '--target', '--storage', '--config'],
    operand: (word) => (word.startsWith('/') ? apiShape(word) : '…'),
  },
  nix: { verbs: nounFirst('store', 'flake'), kept: ['--extra-experimental-features'], valued: ['--apply'] },
  'nix-env': { verbs: always(0), valued: ['-p', '--switch-generation', '--set', '--delete-generations'] },
  'nix-store': { verbs: always(0) },
  podman: ENGINE,
  restic: { verbs: always(1), kept: ['--latest', '--group-by'], valued: ['--tag', '--path'] },
  sops: { verbs: always(1), valued: ['--config', '--output'] },
  ssh: { verbs: always(0), kept: ['-O'], valued: ['-o', '-l', '-p', '-i', '-F'] },
  'switch-to-configuration': { verbs: always(1) },
  systemctl: { verbs: always(1), kept: ['--property', '--output'] },
  'systemd-run': { verbs: always(0), valued: ['-p'] },
  unshare: { verbs: always(0), kept: ['--propagation'] },
  zfs: { verbs: always(1), kept: ['-t', '-d', '-o', '-S'] },
  'zfs send': { verbs: always(1), valued: ['-t', '-i'] },
  terraform: {
    verbs: nounFirst('state'),
    kept: ['-input', '-lockfile'],
    valued: ['-chdir', '-lock-timeout', '-out'],
    oneHyphen: true,
  },
  umount: { verbs: always(0) },
  zdb: { verbs: always(0) },
  zpool: { verbs: always(1), kept: ['-o'] },
};

/** Options of which the name before the `=` says what is done. */
const SETTINGS = ['-o', '-p', '--setenv'];

/**
 * A command line without what differs from call to call: `incus query -X POST --wait -d {expires_at,name}
 * /1.0/instances/…/snapshots?project=…`. A program that is not known here keeps every word.
 */
export function commandShape([program = '', ...args]: readonly string[]): string {
  const tool = basename(program);
  const grammar = GRAMMARS[`${tool} ${args[0] ?? ''}`] ?? GRAMMARS[tool];
  if (grammar === undefined) return [tool, ...args].join(' ');
  const [own, command] = splitAtCommand(tool, args);
  const shaped = optionsAndNames(tool, grammar, own);
  return [tool, ...shaped, ...(command === undefined ? [] : ['--', '…'])].join(' ');
}

/** The commands of a pipeline that a scenario gave to `sh -c`, by their words; none of another command line. */
export function pipelineOf([program, option, text = '']: readonly string[]): string[][] {
  const isPipeline = program === 'sh' && option === '-c' && /^zfs send .* \| zfs receive /.test(text);
  return isPipeline ? text.split(' | ').map((command) => command.split(' ')) : [];
}

/** What `incus exec`, `ssh`, `systemd-run` and `unshare` are given to run is a command of its own. */
function splitAtCommand(tool: string, args: readonly string[]): [readonly string[], string[] | undefined] {
  const runs = tool === 'systemd-run' || (tool === 'incus' && args[0] === 'exec');
  const at = tool === 'unshare' ? args.indexOf('sh') : runs ? args.indexOf('--') : -1;
  return at === -1 ? [args, undefined] : [args.slice(0, at), args.slice(at + 1)];
}

function optionsAndNames(tool: string, grammar: Grammar, args: readonly string[]): string[] {
  const { kept = [], valued = [], operand = () => '…', oneHyphen = false } = grammar;
  const shaped: string[] = [];
  const names: string[] = [];
  let verbsLeft: number | undefined;
  for (let i = 0; i < args.length; i++) {
    const word = args[i] ?? '';
    const [option, value] = word.startsWith(oneHyphen ? '-' : '--') ? splitOnce(word) : [word];
    if (kept.includes(option) || valued.includes(option)) {
      const said = value ?? args[++i] ?? '';
      shaped.push(value === undefined ? option : `${option}=`, kept.includes(option) ? said : valueShape(option, said));
    } else if (word.startsWith('-') && word !== '-')
      shaped.push(value === undefined ? word : settingShape(option, value));
    else {
      verbsLeft ??= grammar.verbs(args.slice(i));
      if (verbsLeft-- > 0) shaped.push(word);
      else names.push(operand(word));
    }
    if (tool === 'ssh' && names.length > 0) break;
  }
  // However many there are: one unit or three are asked for in the same way.
  return [...shaped, ...new Set(names)];
}

function splitOnce(word: string): [string, string?] {
  const at = word.indexOf('=');
  return at === -1 ? [word] : [word.slice(0, at), word.slice(at + 1)];
}

function valueShape(option: string, value: string): string {
  if (option === '-d') return jsonShape(value);
  return SETTINGS.includes(option) && value.includes('=') ? `${splitOnce(value)[0]}=…` : '…';
}

function settingShape(option: string, value: string): string {
  return SETTINGS.includes(option) && value.includes('=') ? `${option}=${splitOnce(value)[0]}=…` : `${option}=…`;
}

/** Which fields, and what is to be done. */
function jsonShape(text: string): string {
  const body = JSON.parse(text) as Record<string, unknown>;
  const fields = Object.keys(body).sort();
  return `{${fields.map((field) => (field === 'action' ? `action=${String(body[field])}` : field)).join(',')}}`;
}

const API_NOUNS = new Set(
  '1.0 cluster custom groups instances members networks operations profiles resources snapshots state storage-pools volumes'.split(
    ' ',
  ),
);

function apiShape(target: string): string {
  const url = new URL(target, 'http://incus');
  const path = url.pathname
    .split('/')
    .map((segment) => (segment === '' || API_NOUNS.has(segment) ? segment : '…'))
    .join('/');
  const query = [...url.searchParams].map(([key, value]) => `${key}=${key === 'recursion' ? value : '…'}`);
  return query.length === 0 ? path : `${path}?${query.join('&')}`;
}
