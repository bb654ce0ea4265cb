import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { History } from '@temporalio/common/lib/proto-utils.js';

const FOLDER = fileURLToPath(new URL('./histories', import.meta.url));

/** A run that was recorded: `histories/<workflow>/<scenario>[-<n>].json`. */
export interface Recorded {
  /** The workflow's function. */
  workflow: string;
  /** `done`, `rolled-back-host-2` */
  name: string;
  path: string;
}

/** All that were recorded, in the order of their names. */
export async function listHistories(folder = FOLDER): Promise<Recorded[]> {
  const files = await readdir(folder, { recursive: true }).catch(() => []);
  return files
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => ({ workflow: dirname(file), name: basename(file, '.json'), path: join(folder, file) }));
}

/** As `historyToJSON` of the SDK wrote it; `runReplayHistories` takes it like that. */
export const readHistory = async ({ path }: Recorded): Promise<JsonHistory> =>
  JSON.parse(await readFile(path, 'utf8')) as JsonHistory;

/** What tests look at and alter; the rest is the SDK's. */
export interface JsonHistory {
  events: JsonEvent[];
}
export type JsonEvent = { eventId: string; eventType: string } & Record<string, unknown>;

/** The SDK declares its parameter as an object of protobuf, and takes the JSON of one. */
export const asHistory = (history: JsonHistory): History => history as unknown as History;

/** Those of these workflows of which no run was recorded. `names`: `<workflow>/<scenario>`. */
export const withoutHistory = (workflows: readonly string[], names: readonly string[]): string[] =>
  workflows.filter((workflow) => !names.some((name) => name.startsWith(`${workflow}/`)));

export const historiesOf = async (workflow: string, scenario: string): Promise<Recorded[]> =>
  (await listHistories()).filter((each) => each.workflow === workflow && isOf(scenario, each.name));

const isOf = (scenario: string, name: string): boolean =>
  name === scenario || (name.startsWith(`${scenario}-`) && /^\d+$/.test(name.slice(scenario.length + 1)));

/** Adds one beside those that are there. */
export async function addHistory(workflow: string, scenario: string, json: string): Promise<string> {
  const count = (await historiesOf(workflow, scenario)).length;
  const path = join(FOLDER, workflow, `${count === 0 ? scenario : `${scenario}-${count + 1}`}.json`);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.new`, json);
  await rename(`${path}.new`, path);
  return path;
}

export async function removeHistories(workflow: string, scenario: string): Promise<void> {
  for (const { path } of await historiesOf(workflow, scenario)) await rm(path);
}
