import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Unknown } from '../core/call.ts';

/** What the `.tf.json` files of a folder declare. Other files are none of the simulation's. */
export interface Module {
  /** By address. */
  resources: Map<string, DeclaredResource>;
  outputs: Record<string, unknown>;
  /** Where the state is. */
  backend: Backend;
}

export interface DeclaredResource {
  type: string;
  name: string;
  values: Record<string, unknown>;
  /** Attributes that come from a variable that is sensitive. */
  sensitive: string[];
  /** What its provisioner runs. */
  command?: string;
}

export type Backend = { type: 'local'; path: string } | { type: 's3'; key: string };

interface Source {
  terraform?: { backend?: { local?: { path: string }; s3?: { key: string } } };
  variable?: Record<string, { default?: unknown; sensitive?: boolean }>;
  resource?: Record<string, Record<string, Record<string, unknown>>>;
  output?: Record<string, { value: unknown }>;
}

/** An error of Terraform's: its first line and what it says below. */
export class Diagnosed extends Error {
  readonly detail: string;
  readonly address: string | undefined;

  constructor(summary: string, detail: string, address?: string) {
    super(summary);
    this.detail = detail;
    this.address = address;
  }
}

export const hasModule = (folder: string): boolean =>
  existsSync(folder) && readdirSync(folder).some((name) => name.endsWith('.tf.json'));

/** Throws Diagnosed for what Terraform refuses, Unknown for what only the real one knows. */
export function readModule(folder: string, env: Readonly<Record<string, string>>): Module {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  if (names.some((name) => /\.tf$/.test(name))) throw new Unknown(`expected *.tf.json only in ${folder}`);
  const sources = names.filter((name) => name.endsWith('.tf.json')).sort(overridesLast);
  if (sources.length === 0) throw new Diagnosed('No configuration files', 'Plan requires configuration to be present.');
  const all = sources.map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as Source);
  const variables = Object.assign({}, ...all.map(({ variable = {} }) => variable)) as NonNullable<Source['variable']>;
  const resources = new Map<string, DeclaredResource>();
  for (const { resource = {} } of all)
    for (const [type, byName] of Object.entries(resource))
      for (const [name, body] of Object.entries(byName))
        resources.set(`${type}.${name}`, declared(type, name, body, variables, env));
  const outputs = Object.assign({}, ...all.map(({ output = {} }) => output)) as NonNullable<Source['output']>;
  return {
    resources,
    outputs: Object.fromEntries(Object.entries(outputs).map(([name, { value }]) => [name, value])),
    backend: backendOf(all, folder),
  };
}

const overridesLast = (a: string, b: string): number =>
  Number(/_override\.tf\.json$/.test(a)) - Number(/_override\.tf\.json$/.test(b)) || (a < b ? -1 : 1);

function backendOf(sources: readonly Source[], folder: string): Backend {
  const last = sources.flatMap(({ terraform }) => terraform?.backend ?? []).at(-1);
  if (last?.s3 !== undefined) return { type: 's3', key: last.s3.key };
  return { type: 'local', path: last?.local?.path ?? join(folder, 'terraform.tfstate') };
}

const VARIABLE = /^\$\{var\.([a-z_]+)\}$/;

function declared(
  type: string,
  name: string,
  { provisioner, ...body }: Record<string, unknown>,
  variables: NonNullable<Source['variable']>,
  env: Readonly<Record<string, string>>,
): DeclaredResource {
  const values: Record<string, unknown> = {};
  const sensitive: string[] = [];
  for (const [key, value] of Object.entries(body)) {
    const variable = typeof value === 'string' ? VARIABLE.exec(value)?.[1] : undefined;
    values[key] = variable === undefined ? value : valueOf(variable, variables, env);
    if (variable !== undefined && variables[variable]?.sensitive === true) sensitive.push(key);
  }
  const [first] = (provisioner ?? []) as { 'local-exec': { command: string } }[];
  return { type, name, values, sensitive, ...(first === undefined ? {} : { command: first['local-exec'].command }) };
}

function valueOf(
  name: string,
  variables: NonNullable<Source['variable']>,
  env: Readonly<Record<string, string>>,
): unknown {
  const value = env[`TF_VAR_${name}`] ?? variables[name]?.default;
  if (value !== undefined) return value;
  throw new Diagnosed('No value for required variable', `The root module input variable "${name}" is not set.`);
}
