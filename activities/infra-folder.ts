import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { InfraDeclaration } from '../fleet/schema.ts';
import { serialOf } from '../plan/infra-state.ts';
import { createTerraform } from '../tools/terraform.ts';
import type { TerraformAccess } from '../tools/terraform-command.ts';
import type { NodeRef } from './contract.ts';
import type { Deps } from './deps.ts';
import { failure } from './failure.ts';
import type { ActivityContext } from './guard.ts';
import { terraformFailure } from './infra-failure.ts';
import { infraOf } from './infra-scope.ts';

/** Where a run works on the infrastructure of one member. Plans are in it, and so are secrets: only its owner reads it. */
export interface InfraPlace {
  root: string;
  infra: InfraDeclaration;
  access: TerraformAccess;
  planFile: (plan: string) => string;
}

/** What a run has left that nobody ended any more. Longer than any approval is waited for in earnest. */
const LEFT_BEHIND_MS = 30 * 24 * 3_600_000;
/** Written when all of it is there; it says where in the tree the folder of the member is. */
const READY = 'ready';
/** Terraform merges it over what the folder says. */
const OVERRIDE = 'runbook_override.tf.json';

export const rootOf = ({ stateDir }: Pick<Deps, 'stateDir'>, { name, node }: NodeRef): string =>
  join(stateDir, 'infra', `${name}-${node}`);

/** The place that `ready` has made on this machine; undefined where it is not there. */
export async function placeOf(deps: Deps, ref: NodeRef): Promise<InfraPlace | undefined> {
  const root = rootOf(deps, ref);
  const folder = await readFile(join(root, READY), 'utf8').catch(() => undefined);
  if (folder === undefined) return undefined;
  return placeAt(root, infraOf(await deps.fleetAt(ref.fleet)), folder);
}

function placeAt(root: string, infra: InfraDeclaration, folder: string): InfraPlace {
  const { program, environmentFile } = infra;
  return {
    root,
    infra,
    access: { program, folder, ...(environmentFile === undefined ? {} : { environmentFile }) },
    planFile: (plan) => join(root, `${plan}.tfplan`),
  };
}

/** Makes it: the files of the revision, initialised. Half of one is made anew. */
export async function ready(
  deps: Deps,
  ref: NodeRef,
  context: ActivityContext,
): Promise<{ place: InfraPlace; was: 'done' | 'already' }> {
  const known = await placeOf(deps, ref);
  if (known !== undefined) return { place: known, was: 'already' };
  await removeLeftBehind(deps);
  const { state } = infraOf(await deps.fleetAt(ref.fleet));
  const root = rootOf(deps, ref);
  const place = await madeAt(deps, ref, { root, state }, context);
  await writeFile(join(root, `${READY}.new`), place.access.folder);
  await rename(join(root, `${READY}.new`), join(root, READY));
  return { place, was: 'done' };
}

/** The same with a copy of the state, in the place of this one: what is done there changes nothing. It is made anew each time. */
export async function readyToRehearse(
  deps: Deps,
  ref: NodeRef,
  { root }: InfraPlace,
  state: string | undefined,
  context: ActivityContext,
): Promise<InfraPlace> {
  const at = join(root, 'rehearsal');
  const dir = join(at, 'states');
  const place = await madeAt(deps, ref, { root: at, state: { type: 'local', dir } }, context);
  // The folder can have an override of its own, which Terraform goes by instead: then it would be the state itself.
  if ((await serialAt(deps, place, ref, context)) !== undefined) throw notTheCopy(ref);
  if (state === undefined) return place;
  await writeFile(join(dir, `${ref.node}.tfstate`), state, { mode: 0o600 });
  if ((await serialAt(deps, place, ref, context)) !== serialOf(state)) throw notTheCopy(ref);
  return place;
}

/** The state as it is: undefined where there is none yet. */
export async function stateIn(
  { local }: Deps,
  { access }: InfraPlace,
  { node }: NodeRef,
  { signal }: ActivityContext,
): Promise<string | undefined> {
  const state = await createTerraform(local, access, { signal }).pullState();
  if (state.type === 'none') return undefined;
  if (state.type !== 'state') throw terraformFailure(node, state);
  return state.text;
}

async function serialAt(...of: Parameters<typeof stateIn>): Promise<number | undefined> {
  const text = await stateIn(...of);
  return text === undefined ? undefined : serialOf(text);
}

const notTheCopy = ({ node }: NodeRef): Error =>
  failure(
    'BadConfig',
    `The folder of ${node} has Terraform use another state than the copy that is to be tried with: its files must not override the backend (*_override.tf), nor its environment the workspace.`,
  );

async function madeAt(
  deps: Deps,
  ref: NodeRef,
  { root, state }: { root: string; state: InfraDeclaration['state'] },
  { signal }: ActivityContext,
): Promise<InfraPlace> {
  const infra = infraOf(await deps.fleetAt(ref.fleet));
  await rm(root, { recursive: true, force: true });
  // Modules beside it are found by their paths, so it is the whole tree.
  const tree = join(root, 'tree');
  await mkdir(tree, { recursive: true, mode: 0o700 });
  const folder = join(await deps.checkOut(ref.fleet, tree), infra.dir, ref.node);
  await requireFiles(folder, infra.program, `${infra.dir}/${ref.node}`);
  // One that somebody has committed would be taken for this run's own.
  await rm(erroredIn(folder), { force: true });
  await override(state, folder, ref.node);
  const place = placeAt(root, infra, folder);
  const initialised = await createTerraform(deps.local, place.access, { signal }).init();
  if (initialised.type !== 'ready') throw terraformFailure(ref.node, initialised);
  return place;
}

/** Files that the program does not read are none. */
const READS = { terraform: /\.tf(?:\.json)?$/, tofu: /\.(?:tf|tofu)(?:\.json)?$/ };

/** With nothing but our own file in it, a plan would be to destroy everything. */
async function requireFiles(folder: string, program: InfraDeclaration['program'], shown: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  if (names.some((name) => READS[program].test(name) && name !== OVERRIDE)) return;
  throw failure('BadConfig', `Expected files of Terraform (*.tf) in ${shown} of the monorepo, got none.`);
}

/** Where the state is, unless the folder itself says so. */
async function override(state: InfraDeclaration['state'], folder: string, node: string): Promise<void> {
  if (state.type === 'backend') return;
  await mkdir(state.dir, { recursive: true, mode: 0o700 });
  const local = { path: join(state.dir, `${node}.tfstate`) };
  await writeFile(join(folder, OVERRIDE), JSON.stringify({ terraform: { backend: { local } } }), { mode: 0o600 });
}

/** What Terraform writes beside its files where the backend does not take the state: nothing else knows what it made. */
export const erroredIn = (folder: string): string => join(folder, 'errored.tfstate');

/** Such a file, where the place at `root` has one. */
export async function erroredAt(root: string): Promise<string | undefined> {
  const folder = await readFile(join(root, READY), 'utf8').catch(() => undefined);
  return folder !== undefined && (await exists(erroredIn(folder))) ? erroredIn(folder) : undefined;
}

async function removeLeftBehind({ stateDir }: Pick<Deps, 'stateDir'>): Promise<void> {
  const folder = join(stateDir, 'infra');
  for (const name of await readdir(folder).catch(() => [])) {
    const root = join(folder, name);
    const found = await stat(root).catch(() => undefined);
    if (found === undefined || Date.now() - found.mtimeMs <= LEFT_BEHIND_MS) continue;
    if ((await erroredAt(root)) === undefined) await rm(root, { recursive: true, force: true });
  }
}

export const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
