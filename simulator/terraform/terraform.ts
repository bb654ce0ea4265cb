import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { ToolError, Unknown, type Call } from '../core/call.ts';
import { Diagnosed, hasModule, readModule, type Module } from './module.ts';
import { createInstance } from './instance.ts';
import { addressOf, planFor, planJson, stored, type SimulatedChange, type SimulatedPlan } from './plan.ts';
import { emptyState, fileOf, locked, readState, unlock, writeState, type TerraformState } from './state.ts';

interface Work {
  call: Call;
  folder: string;
  /** The words after the verb. */
  words: string[];
}

const VERBS: Readonly<Record<string, (work: Work) => number | Promise<number>>> = {
  version: ({ call }) => {
    call.out('Terraform v1.5.7\non linux_amd64\n');
    return 0;
  },
  init,
  plan,
  show,
  apply,
  'state pull': pull,
  'state push': push,
  'state rm': forget,
  'force-unlock': forceUnlock,
};

/**
 * Resources of any type that are values in a state, and nothing elsewhere; but an `incus_instance` with a target is made there. Each that is applied is a call of the tool
 * `.terraform-applies` with its action and address, so that a fault can strike there.
 */
export async function terraform(call: Call): Promise<number> {
  const [first = '', ...more] = call.args;
  const [folder, words] = first.startsWith('-chdir=') ? [first.slice('-chdir='.length), more] : [call.cwd, call.args];
  const verb = words[0] === 'state' ? words.slice(0, 2).join(' ') : (words[0] ?? '');
  const act = VERBS[verb];
  if (act === undefined) throw new Unknown(`expected one of ${Object.keys(VERBS).join(', ')}`);
  const rest = words.slice(verb.split(' ').length);
  try {
    return await act({ call, folder, words: rest });
  } catch (error) {
    if (!(error instanceof Diagnosed)) throw error;
    if (verb === 'plan' || verb === 'apply') diagnose(call, error);
    else call.err(`\nError: ${error.message}\n\n${error.detail}\n`);
    return 1;
  }
}

/** The one part of an apply that a fault can strike. */
export const terraformApplies = (): number => 0;

function line(call: Call, level: 'info' | 'error', message: string, more: Record<string, unknown>): void {
  const head = { '@level': level, '@message': message, '@module': 'terraform.ui' };
  call.out(`${JSON.stringify({ ...head, '@timestamp': new Date().toISOString(), ...more })}\n`);
}

const begin = (call: Call): void => {
  line(call, 'info', 'Terraform 1.5.7', { terraform: '1.5.7', type: 'version', ui: '1.1' });
};

function diagnose(call: Call, { message: summary, detail, address }: Diagnosed): void {
  const diagnostic = { severity: 'error', summary, detail, ...(address === undefined ? {} : { address }) };
  line(call, 'error', `Error: ${summary}`, { diagnostic, type: 'diagnostic' });
}

function flags(words: readonly string[], known: readonly string[]): string[] {
  const positionals = words.filter((word) => !word.startsWith('-'));
  const strange = words.filter((word) => word.startsWith('-') && !known.includes(word.replace(/=.*$/, '')));
  if (strange.length > 0) throw new Unknown(`unknown options ${strange.join(' ')}`);
  return positionals;
}

const valueOf = (words: readonly string[], name: string): string | undefined =>
  words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);

function moduleOf({ call, folder }: Work): Module {
  const module = readModule(folder, call.env);
  if (existsSync(join(folder, '.terraform'))) return module;
  throw new Diagnosed('Backend initialization required, please run "terraform init"', '');
}

function init(work: Work): number {
  const { call, folder, words } = work;
  flags(words, ['-input', '-no-color', '-lockfile']);
  if (!hasModule(folder)) {
    call.out('Terraform initialized in an empty directory!\n');
    return 0;
  }
  call.out('\nInitializing the backend...\n');
  readModule(folder, call.env);
  mkdirSync(join(folder, '.terraform'), { recursive: true });
  call.out('\nTerraform has been successfully initialized!\n');
  return 0;
}

const who = (): string => `${userInfo().username}@${hostname()}`;

function plan(work: Work): Promise<number> {
  const { call, words } = work;
  flags(words, ['-input', '-no-color', '-json', '-detailed-exitcode', '-lock-timeout', '-out']);
  begin(call);
  const module = moduleOf(work);
  return locked(call, module.backend, 'OperationTypePlan', who(), async () => {
    const made = planFor(module, readState(fileOf(call, module.backend)));
    const file = valueOf(words, '-out');
    if (file !== undefined) writeFileSync(file, JSON.stringify(made), { mode: 0o600 });
    const isEmpty = sayPlanned(call, made);
    // Held up here, it has the lock.
    await call.exec({ machine: call.machine, argv: ['.terraform-applies', 'plan'] });
    return isEmpty || !words.includes('-detailed-exitcode') ? 0 : 2;
  });
}

function sayPlanned(call: Call, { changes, outputs }: SimulatedPlan): boolean {
  const real = changes.filter(({ actions }) => actions[0] !== 'no-op');
  for (const change of real)
    line(call, 'info', `${change.address}: Plan to ${actionOf(change)}`, {
      change: { resource: resourceOf(change), action: actionOf(change) },
      type: 'planned_change',
    });
  line(call, 'info', 'Plan', { changes: { operation: 'plan' }, type: 'change_summary' });
  return real.length === 0 && Object.keys(outputs).length === 0;
}

const actionOf = ({ actions }: SimulatedChange): string => (actions.length === 2 ? 'replace' : actions[0]);
const resourceOf = ({ address, type, name }: SimulatedChange): Record<string, string> => ({
  ...{ addr: address, resource: address, resource_type: type, resource_name: name },
});

function show({ call, words }: Work): number {
  const [file = ''] = flags(words, ['-json', '-no-color']);
  if (!existsSync(file)) throw new Diagnosed('Failed to read the given file as a state or plan file', `open ${file}`);
  call.out(`${JSON.stringify(planJson(savedPlan(file)))}\n`);
  return 0;
}

const savedPlan = (file: string): SimulatedPlan => JSON.parse(readFileSync(file, 'utf8')) as SimulatedPlan;

function apply(work: Work): Promise<number> {
  const { call, words } = work;
  const [file = ''] = flags(words, ['-input', '-no-color', '-json', '-lock-timeout']);
  begin(call);
  if (!existsSync(file)) throw new Diagnosed(`Failed to load "${file}" as a plan file`, `stat ${file}`);
  const saved = savedPlan(file);
  const module = moduleOf(work);
  return locked(call, module.backend, 'OperationTypeApply', who(), async () => {
    const at = fileOf(call, module.backend);
    const before = readState(at);
    if (before?.serial !== saved.serial || before?.lineage !== saved.lineage)
      throw new Diagnosed(
        'Saved plan is stale',
        'The given plan file can no longer be applied because the state was changed by another operation after the plan was created.',
      );
    const state = before ?? emptyState();
    call.changed(at);
    const failures = await changed(call, saved.changes, state, at);
    if (failures.length === 0) {
      state.outputs = Object.fromEntries(
        Object.entries(module.outputs).map(([name, value]) => [name, { value, type: typeof value }]),
      );
      keep(state, at);
    }
    for (const failure of failures) diagnose(call, failure);
    if (failures.length > 0) return 1;
    line(call, 'info', 'Apply complete!', { changes: { operation: 'apply' }, type: 'change_summary' });
    return 0;
  });
}

function keep(state: TerraformState, at: string): void {
  state.serial += 1;
  writeState(at, state);
}

/** Each resource that is done is in the state before the next is begun. */
async function changed(
  call: Call,
  changes: readonly SimulatedChange[],
  state: TerraformState,
  at: string,
): Promise<Diagnosed[]> {
  const failures: Diagnosed[] = [];
  for (const change of changes) {
    if (change.actions[0] === 'no-op') continue;
    for (const action of change.actions) {
      const failure = await step(call, change, action, state);
      keep(state, at);
      if (failure !== undefined) failures.push(failure);
    }
  }
  return failures;
}

async function step(
  call: Call,
  change: SimulatedChange,
  action: string,
  state: TerraformState,
): Promise<Diagnosed | undefined> {
  const { address, command } = change;
  const hook = { resource: resourceOf(change), action };
  line(call, 'info', `${address}: ${action}`, { hook, type: 'apply_start' });
  const faulted = await call.exec({ machine: call.machine, argv: ['.terraform-applies', action, address] });
  const code = faulted === 0 && action === 'create' ? await createInstance(call, change) : faulted;
  const exits = /\bexit (\d+)$/.exec(action === 'create' ? (command ?? '') : '')?.[1];
  const known = state.resources.find((each) => addressOf(each) === address)?.instances[0]?.attributes['id'];
  state.resources = state.resources.filter((each) => addressOf(each) !== address);
  if (code !== 0 || exits !== undefined) {
    line(call, 'info', `${address}: errored`, { hook, type: 'apply_errored' });
    if (exits !== undefined) state.resources.push(stored(change, randomUUID(), 'tainted'));
    return exits === undefined
      ? new Diagnosed('Provider produced an error', `exit status ${code}`, address)
      : new Diagnosed(
          'local-exec provisioner error',
          `Error running command '${command ?? ''}': exit status ${exits}. Output: \n`,
          address,
        );
  }
  if (action !== 'delete') state.resources.push(stored(change, typeof known === 'string' ? known : randomUUID()));
  line(call, 'info', `${address}: complete`, { hook, type: 'apply_complete' });
  return undefined;
}

/** As after `terraform import` backwards: what is there stays there. */
function forget(work: Work): Promise<number> {
  const { call, words } = work;
  const [address = ''] = flags(words, ['-lock-timeout']);
  const { backend } = moduleOf(work);
  return locked(call, backend, 'OperationTypeInvalid', who(), async () => {
    const at = fileOf(call, backend);
    const state = readState(at);
    const left = state?.resources.filter((each) => addressOf(each) !== address) ?? [];
    if (state === undefined || left.length === state.resources.length)
      throw new Diagnosed(
        'Invalid target address',
        'No matching objects found. To view the available instances, use "terraform\nstate list". Please modify the address to reference a specific instance.',
      );
    await call.exec({ machine: call.machine, argv: ['.terraform-applies', 'forget', address] });
    call.changed(at);
    keep({ ...state, resources: left }, at);
    call.out(`Removed ${address}\nSuccessfully removed 1 resource instance(s).\n`);
    return 0;
  });
}

function pull(work: Work): number {
  const state = readState(fileOf(work.call, moduleOf(work).backend));
  if (state !== undefined) work.call.out(`${JSON.stringify(state, null, 2)}\n`);
  return 0;
}

function push(work: Work): Promise<number> {
  const { call, words } = work;
  const [file = ''] = flags(words, ['-lock-timeout']);
  const { backend } = moduleOf(work);
  const at = fileOf(call, backend);
  return locked(call, backend, 'OperationTypeInvalid', who(), () =>
    Promise.resolve().then(() => pushed(call, at, file)),
  );
}

function pushed(call: Work['call'], at: string, file: string): number {
  const [now, next] = [readState(at), readState(file)];
  if (next === undefined) throw new ToolError(`open ${file}: no such file or directory`);
  if (now !== undefined && now.lineage !== next.lineage)
    throw new Diagnosed(
      `Failed to write state`,
      `cannot import state with lineage "${next.lineage}" over unrelated state with lineage "${now.lineage}"`,
    );
  if (now !== undefined && now.serial > next.serial)
    throw new ToolError(
      `Failed to write state: cannot import state with serial ${next.serial} over newer state with serial ${now.serial}`,
    );
  const isSame = JSON.stringify(now?.resources) === JSON.stringify(next.resources);
  if (now !== undefined && now.resources.length > 0 && now.serial === next.serial && !isSame)
    throw new ToolError(
      `Failed to write state: cannot overwrite existing state with serial ${now.serial} with a different state that has the same serial`,
    );
  call.changed(at);
  writeState(at, isSame ? next : { ...next, serial: next.serial + 1 });
  return 0;
}

function forceUnlock(work: Work): number {
  const [id = ''] = flags(work.words, ['-force']);
  unlock(work.call, moduleOf(work).backend, id);
  work.call.out('Terraform state has been successfully unlocked!\n');
  return 0;
}
