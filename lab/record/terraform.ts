import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { until } from '../shell.ts';
import type { Recorder } from './recorder.ts';

/** Whatever settings of Terraform the machine has. */
const ENV = { TF_IN_AUTOMATION: '1', TF_INPUT: '0', CHECKPOINT_DISABLE: '1', LC_ALL: 'C', TF_CLI_CONFIG_FILE: '' };
const PLAN = ['plan', '-input=false', '-no-color', '-json', '-detailed-exitcode', '-lock-timeout=1s'];
const APPLY = ['apply', '-input=false', '-no-color', '-json', '-lock-timeout=1s'];
const INIT = ['init', '-input=false', '-no-color', '-lockfile=readonly'];
/** As the product reads a file of variables, in short. */
const WITH_ENVIRONMENT = `[ -r "$1" ] || { echo "runbook: $1 cannot be read" >&2; exit 78; }
while IFS= read -r line; do export "$line"; done <"$1"
shift; exec "$@"`;

type Resources = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** On the worker's machine, without any provider: `terraform_data` is built in. */
export async function recordTerraform(recorder: Recorder): Promise<void> {
  await recorder.lab.installTools(() => undefined, 'terraform');
  const terraform = aFolder(recorder, 'one');
  await recordLife(terraform);
  await recordProblems(terraform);
  await recordLocks(recorder, aFolder(recorder, 'two'));
  await recordMistakes(aFolder(recorder, 'three'));
}

type Folder = ReturnType<typeof aFolder>;

function aFolder(recorder: Recorder, name: string) {
  const folder = recorder.file(`terraform/${name}`);
  const here = (note: string, argv: readonly string[], input?: string): Promise<{ stdout: string }> =>
    recorder.here(note, argv, { env: ENV, ...(input === undefined ? {} : { input }) });
  return {
    folder,
    file: (plan: string): string => join(folder, `${plan}.tfplan`),
    here,
    run: (note: string, ...words: string[]) => here(note, ['terraform', `-chdir=${folder}`, ...words]),
    /** Its state is in a file beside it. */
    declare: (note: string, terraform_data: Resources, more: object = {}) =>
      here(
        note,
        ['sh', '-c', 'mkdir -p "$1" && cat >"$1/main.tf.json"', 'sh', folder],
        JSON.stringify({
          terraform: { backend: { local: { path: `${folder}.tfstate` } } },
          ...(Object.keys(terraform_data).length === 0 ? {} : { resource: { terraform_data } }),
          ...more,
        }),
      ),
  };
}

const SECRET = { variable: { secret: { type: 'string', sensitive: true, default: 'none' } } };
const FIRST = { a: { input: 'one' }, b: { input: 'one', triggers_replace: 'one' }, c: { input: 'three' } };
const SECOND = {
  a: { input: 'two' },
  b: { input: 'one', triggers_replace: 'two' },
  d: { input: '${var.secret}' },
};

async function recordLife({ run, here, declare, file, folder }: Folder): Promise<void> {
  await here('its version', ['terraform', 'version']);
  await declare('three resources', FIRST, { output: { all: { value: 'one' } } });
  await run('init', ...INIT);
  await run('a state that is not there', 'state', 'pull');
  await run('a plan to create', ...PLAN, `-out=${file('1')}`);
  await run('what is in it', 'show', '-no-color', '-json', file('1'));
  await run('apply', ...APPLY, file('1'));
  await run('a state', 'state', 'pull');
  await run('the same plan again', ...APPLY, file('1'));
  await run('nothing to do', ...PLAN, `-out=${file('2')}`);
  await run('what is in that', 'show', '-no-color', '-json', file('2'));
  await declare('an update, a replacement, a deletion, and one that is new', SECOND, SECRET);
  await here('a file of variables', ['sh', '-c', 'umask 077; cat >"$1"', 'sh', `${folder}.env`], 'TF_VAR_secret=s\n');
  const words = ['terraform', `-chdir=${folder}`, ...PLAN, `-out=${file('3')}`];
  const private_ = ['sh', '-c', 'umask 077; exec "$@"', 'sh'];
  await here('a plan of each', [...private_, 'sh', '-c', WITH_ENVIRONMENT, 'sh', `${folder}.env`, ...words]);
  await here('without its variables', [...private_, 'sh', '-c', WITH_ENVIRONMENT, 'sh', '/nowhere', ...words]);
  await run('what is in it: of each', 'show', '-no-color', '-json', file('3'));
  await run('apply of each', ...APPLY, file('3'));
}

async function recordProblems({ run, here, declare, file, folder }: Folder): Promise<void> {
  const provisioner = [{ 'local-exec': { command: 'echo printed; exit 7' } }];
  await declare('a provisioner that fails', { ...SECOND, bad: { input: 'x', provisioner } }, SECRET);
  await run('a plan with it', ...PLAN, `-out=${file('4')}`);
  await run('apply with it', ...APPLY, file('4'));
  await run('a plan with what is half-made', ...PLAN, `-out=${file('5')}`);
  await run('what is half-made', 'show', '-no-color', '-json', file('5'));
  await run('a plan that is not there', ...APPLY, file('none'));
  await run('what is in one that is not there', 'show', '-no-color', '-json', file('none'));
  await here('a copy of the state', ['sh', '-c', 'cp "$1" "$2"', 'sh', `${folder}.tfstate`, `${folder}.copy`]);
  await run('push of the same', 'state', 'push', '-lock-timeout=10s', `${folder}.copy`);
  const other = ['sh', '-c', `sed 's/"lineage": ".*"/"lineage": "other"/' "$1" >"$2"`, 'sh'];
  await here('a state of another lineage', [...other, `${folder}.copy`, `${folder}.other`]);
  await run('push of another', 'state', 'push', '-lock-timeout=10s', `${folder}.other`);
  await recordForgetting({ run, here, folder });
  await run('unlock of what is not locked', 'force-unlock', '-force', '11111111-2222-3333-4444-555555555555');
}

/** A state that does not know a resource any more, and that knows it again as it was. */
async function recordForgetting({ run, here, folder }: Pick<Folder, 'run' | 'here' | 'folder'>): Promise<void> {
  await run('an address that is forgotten', 'state', 'rm', '-lock-timeout=1s', 'terraform_data.a');
  await run('an address that is not there', 'state', 'rm', '-lock-timeout=1s', 'terraform_data.a');
  await run('push of an older state', 'state', 'push', '-lock-timeout=10s', `${folder}.copy`);
  const change = `at=$(grep -o '"serial": [0-9]*' "$2" | grep -o '[0-9]*$')
sed "s/\\"serial\\": .*/\\"serial\\": $((at + $4)),/" "$1" >"$3"`;
  for (const [note, more] of [
    ['the serial of now', '0'],
    ['the next serial', '1'],
  ] as const) {
    const copy = ['sh', '-c', change, 'sh', `${folder}.copy`, `${folder}.tfstate`, `${folder}.back`, more];
    await here(`a copy with ${note}`, copy);
    await run(`push with ${note}`, 'state', 'push', '-lock-timeout=10s', `${folder}.back`);
  }
  await run('a state that knows it again', 'state', 'pull');
}

/** A backend on the network, which keeps a lock whose owner is gone. */
async function recordLocks(recorder: Recorder, { run, declare, file, folder }: Folder): Promise<void> {
  const provisioner = [{ 'local-exec': { command: 'sleep 30' } }];
  await declare('one that takes its time', { slow: { input: 'x', provisioner } });
  await run('init for it', ...INIT);
  await run('a plan for it', ...PLAN, `-out=${file('1')}`);
  const child = applying(recorder, folder, file('1'));
  try {
    const lock = join(dirname(folder), `.${basename(folder)}.tfstate.lock.info`);
    await until('it has the lock', () => Promise.resolve(existsSync(lock) ? { value: lock } : { not: 'no lock yet' }));
    await run('a plan beside it', ...PLAN, `-out=${file('2')}`);
    await run('apply beside it', ...APPLY, file('1'));
  } finally {
    child.kill('SIGKILL');
  }
}

function applying(recorder: Recorder, folder: string, plan: string): ChildProcess {
  const env = { ...recorder.lab.env, ...ENV };
  return spawn('terraform', [`-chdir=${folder}`, ...APPLY, plan], { env, stdio: 'ignore' });
}

async function recordMistakes({ run, declare, here, folder }: Folder): Promise<void> {
  await declare('a reference to nothing', { a: { input: '${terraform_data.none.id}' } });
  await run('init with a mistake', ...INIT);
  await run('a plan with a mistake', ...PLAN, `-out=${folder}.tfplan`);
  await declare('a version that is not there', {}, { terraform: { required_version: '>= 99' } });
  await run('init with another version', ...INIT);
  await here('no files', ['sh', '-c', 'rm "$1"/*.json; rm -r "$1"/.terraform', 'sh', folder]);
  await run('init without files', ...INIT);
  await run('a plan without files', ...PLAN, `-out=${folder}.tfplan`);
}
