import { z } from 'zod';
import { HostError, type Host } from '../hosts/host.ts';
import { readJson, type Ran, type Unexpected } from './result.ts';
import {
  jsonLines,
  problemOf,
  TERRAFORM_ENV,
  terraformArgv,
  type TerraformAccess,
  type TerraformProblem,
} from './terraform-command.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

/** Providers are downloaded, some of them large. */
const INIT_TIMEOUT_MS = 15 * 60_000;
/** A state is read over the network, at worst. */
const READ_TIMEOUT_MS = 2 * 60_000;
/** A plan with every value of every resource. */
const MOST_BYTES = 64 * 1024 * 1024;

const changeSchema = z.object({
  actions: z.array(z.string()),
  before: z.unknown().optional(),
  after: z.unknown().optional(),
  after_unknown: z.unknown().optional(),
  before_sensitive: z.unknown().optional(),
  after_sensitive: z.unknown().optional(),
  replace_paths: z.array(z.array(z.union([z.string(), z.number()]))).optional(),
  importing: z.unknown().optional(),
});
const resourceSchema = z.object({
  address: z.string(),
  mode: z.string(),
  type: z.string(),
  provider_name: z.string().optional(),
  deposed: z.string().optional(),
  action_reason: z.string().optional(),
  previous_address: z.string().optional(),
  change: changeSchema,
});
const planSchema = z.object({
  format_version: z.string(),
  resource_changes: z.array(resourceSchema).default([]),
  resource_drift: z.array(resourceSchema).default([]),
  output_changes: z.record(z.string(), changeSchema).default({}),
});
/** What a plan says of each resource. It holds secrets: nothing of it leaves the worker as it is. */
export type TerraformPlan = z.output<typeof planSchema>;

const stateSchema = z.object({ serial: z.int(), lineage: z.string() });

export interface Terraform {
  /** Providers as the lock file says, and the backend. Idempotent. */
  init(): Promise<{ type: 'ready' } | TerraformProblem>;
  /** A plan that was saved. */
  show(file: string): Promise<{ type: 'plan'; plan: TerraformPlan } | TerraformProblem>;
  /** The whole state, as a text with secrets. `none`: nothing was ever applied. */
  pullState(): Promise<
    { type: 'state'; text: string; serial: number; lineage: string } | { type: 'none' } | TerraformProblem
  >;
  /** Refused by Terraform where the state is another one, or newer. */
  pushState(file: string): Promise<{ type: 'pushed' } | TerraformProblem>;
  /** Forgets what is at the address, and changes nothing of it. `none`: the state has no such address. */
  removeFromState(
    address: string,
    lockTimeoutSeconds: number,
  ): Promise<{ type: 'removed' } | { type: 'none' } | TerraformProblem>;
  /** Takes a lock away by its id. */
  unlock(id: string): Promise<{ type: 'unlocked' } | TerraformProblem>;
}

/** `host`: the worker's own machine. */
export function createTerraform(host: Host, access: TerraformAccess, options: ToolOptions = {}): Terraform {
  const run = async (words: readonly string[], timeoutMs = READ_TIMEOUT_MS): Promise<Ran> => {
    const argv = terraformArgv(access, words);
    const more = { env: TERRAFORM_ENV, maxOutputBytes: MOST_BYTES, ...withSignal(options) };
    return { argv, result: await host.run(argv, { timeoutMs, ...more }) };
  };
  /** Of what it prints on stdout nothing may leave this machine, whatever goes wrong. */
  const runSecret = (words: readonly string[]): Promise<Ran> =>
    run(words).catch((error: unknown) => {
      if (!(error instanceof HostError)) throw error;
      throw new HostError(error.type, error.host, error.message);
    });
  return {
    init: async () => {
      const ran = await run(['init', '-input=false', '-no-color', '-lockfile=readonly'], INIT_TIMEOUT_MS);
      return ran.result.exitCode === 0 ? { type: 'ready' } : problemOf(ran);
    },
    show: async (file) => {
      const ran = await runSecret(['show', '-no-color', '-json', file]);
      if (ran.result.exitCode !== 0) return problemOf(withoutStdout(ran));
      const read = readSecret(ran, planSchema);
      return read.type === 'json' ? { type: 'plan', plan: read.value } : read;
    },
    pullState: async () => readState(await runSecret(['state', 'pull'])),
    pushState: async (file) => {
      const ran = await run(['state', 'push', '-lock-timeout=10s', file]);
      return ran.result.exitCode === 0 ? { type: 'pushed' } : problemOf(ran);
    },
    removeFromState: async (address, lockTimeoutSeconds) => {
      // Killed before that, Terraform could not say who has the lock.
      const timeoutMs = READ_TIMEOUT_MS + lockTimeoutSeconds * 1000;
      const ran = await run(['state', 'rm', `-lock-timeout=${lockTimeoutSeconds}s`, address], timeoutMs);
      if (ran.result.exitCode === 0) return { type: 'removed' };
      const problem = problemOf(ran);
      const isNone = problem.type === 'failed' && problem.message.startsWith('Error: Invalid target address');
      return isNone ? { type: 'none' } : problem;
    },
    unlock: async (id) => {
      const ran = await run(['force-unlock', '-force', id]);
      return ran.result.exitCode === 0 ? { type: 'unlocked' } : problemOf(ran);
    },
  };
}

const withoutStdout = (ran: Ran): Ran => ({ ...ran, result: { ...ran.result, stdout: '' } });

/** What is wrong with it stands in the first line; where it is no JSON, what it printed follows, which is a plan or a state. */
function readSecret<T>(ran: Ran, schema: z.ZodType<T>): { type: 'json'; value: T } | Unexpected {
  const read = readJson('terraform', ran, schema);
  if (read.type === 'json') return read;
  const [output = ''] = read.output.split('\n', 1);
  return { ...read, output };
}

function readState(
  ran: Ran,
): { type: 'state'; text: string; serial: number; lineage: string } | { type: 'none' } | TerraformProblem {
  const { exitCode, stdout } = ran.result;
  if (exitCode !== 0) return problemOf(withoutStdout(ran));
  if (stdout.trim() === '') return { type: 'none' };
  const read = readSecret(ran, stateSchema);
  return read.type === 'json' ? { type: 'state', text: stdout, ...read.value } : read;
}

/** Saves a plan in a file. Ends with 0 where there is nothing to do, with 2 where there is. */
export const planArgv = (access: TerraformAccess, file: string, lockTimeoutSeconds: number): string[] =>
  terraformArgv(access, [
    'plan',
    '-input=false',
    '-no-color',
    '-json',
    '-detailed-exitcode',
    `-lock-timeout=${lockTimeoutSeconds}s`,
    `-out=${file}`,
  ]);

export function readPlanning(ran: Ran): { type: 'planned' } | TerraformProblem {
  const { exitCode } = ran.result;
  return exitCode === 0 || exitCode === 2 ? { type: 'planned' } : problemOf(ran);
}

/** Does what a saved plan says, and nothing else. */
export const applyArgv = (access: TerraformAccess, file: string, lockTimeoutSeconds: number): string[] =>
  terraformArgv(access, ['apply', '-input=false', '-no-color', '-json', `-lock-timeout=${lockTimeoutSeconds}s`, file]);

type Applied =
  | { type: 'applied' }
  /** The state has changed since the plan was made: nothing was done. */
  | { type: 'stale' }
  | TerraformProblem;

export function readApply(ran: Ran): Applied {
  if (ran.result.exitCode === 0) return { type: 'applied' };
  const { stdout, stderr } = ran.result;
  if (/Saved plan is stale/.test(`${stdout}\n${stderr}`)) return { type: 'stale' };
  return problemOf(ran);
}

const hookSchema = z.object({
  type: z.enum(['apply_start', 'apply_complete', 'apply_errored']),
  hook: z.object({ resource: z.object({ addr: z.string() }), action: z.string() }),
});

/** What an apply tells of single resources as it goes, in its order. */
export function applySteps(lines: readonly string[]): { step: string; address: string; action: string }[] {
  return jsonLines(lines.join('\n')).flatMap((line) => {
    const found = hookSchema.safeParse(line);
    return found.success
      ? [{ step: found.data.type, address: found.data.hook.resource.addr, action: found.data.hook.action }]
      : [];
  });
}
