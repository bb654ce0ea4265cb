import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  BROKEN_PIPE_EXIT_CODE,
  BrokenPipe,
  ToolError,
  Unknown,
  WORKER,
  type Call,
  type Command,
  type RunProgram,
  type Tool,
} from './call.ts';
import { claimFault, hang, pauseHere, TOOL_FAULTS, type Moment } from './faults.ts';
import { writeJournal } from './journal.ts';
import { outOfRoot } from './paths.ts';
import type { Fault } from './state.ts';
import type { Store } from './store.ts';
import { writeAll } from './streams.ts';

export interface Tools {
  worker: Readonly<Record<string, Tool>>;
  machine: Readonly<Record<string, Tool>>;
}

export const UNKNOWN_EXIT_CODE = 64;

/** Runs one command, in this process where the simulation knows its program, as a process of its own otherwise. */
export function createRunner(
  store: Store,
  tools: Tools,
  runProgram: RunProgram,
): (command: Command) => Promise<number> {
  const exec = (command: Command): Promise<number> => {
    const program = command.argv[0] ?? '';
    const root = store.root(command.machine);
    const known = command.machine === WORKER ? tools.worker : tools.machine;
    const tool = Object.hasOwn(known, basename(program)) ? known[basename(program)] : undefined;
    const isThere = !program.includes('/') || existsSync(program);
    if (tool && isThere) return runTool(store, { exec, runProgram }, tool, command);
    return runProgram(program.includes('/') ? program : join(root, 'bin', program), command, root);
  };
  return exec;
}

async function runTool(
  store: Store,
  { exec, runProgram }: Pick<Call, 'exec' | 'runProgram'>,
  tool: Tool,
  command: Command,
): Promise<number> {
  const { machine, argv } = command;
  const root = store.root(machine);
  const changes: string[] = [];
  const emit = (fd: number, to: Command['out']) => (text: string) => {
    const inside = outOfRoot(text, root);
    if (to) to(inside);
    else writeAll(fd, Buffer.from(inside));
  };
  const name = basename(argv[0] ?? '');
  const call: Call = {
    store,
    machine,
    root,
    tool: name,
    self: argv[0] ?? name,
    args: argv.slice(1),
    env: command.env ?? {},
    cwd: command.cwd ?? root,
    out: emit(1, command.out),
    err: emit(2, command.err),
    update: async (change) => {
      const { answer, changes: altered } = await store.update(change);
      changes.push(...altered);
      return answer;
    },
    changed: (what) => changes.push(what),
    runProgram,
    exec: (inner) => exec({ ...streamsOf(command), env: command.env ?? {}, ...inner }),
  };
  const entry = {
    id: `${process.pid}-${process.hrtime.bigint()}`,
    machine,
    tool: name,
    args: call.args,
    pid: process.pid,
  };
  writeJournal(store, { ...entry, phase: 'before', at: new Date().toISOString() });
  const exitCode = await withFaults(call, tool);
  writeJournal(store, { ...entry, phase: 'after', at: new Date().toISOString(), exitCode, changes });
  return exitCode;
}

function streamsOf({ out, err }: Command): Pick<Command, 'out' | 'err'> {
  return { ...(out ? { out } : {}), ...(err ? { err } : {}) };
}

async function withFaults(call: Call, tool: Tool): Promise<number> {
  const moment = { machine: call.machine, tool: call.tool, args: call.args, kinds: TOOL_FAULTS };
  const before = await strike(call, { ...moment, when: 'before' });
  if (before !== undefined) return before;
  const exitCode = await caught(call, tool);
  return (await strike(call, { ...moment, when: 'after' })) ?? exitCode;
}

/** An exit code where the fault ends the command. */
async function strike(call: Call, moment: Moment): Promise<number | undefined> {
  const fault: Fault | undefined = await claimFault(call.store, moment);
  if (!fault) return undefined;
  switch (fault.effect.type) {
    case 'fail':
      call.err(`${fault.effect.stderr}\n`);
      return fault.effect.exitCode;
    case 'hang':
      return hang();
    case 'pause':
      await pauseHere(call.store, fault, moment);
      return undefined;
    case 'slow':
      await sleep(fault.effect.ms);
      return undefined;
    case 'unreachable':
    case 'drop':
      return undefined;
  }
}

async function caught(call: Call, tool: Tool): Promise<number> {
  try {
    return await tool(call);
  } catch (error) {
    if (error instanceof BrokenPipe) return BROKEN_PIPE_EXIT_CODE;
    if (error instanceof ToolError) {
      call.err(`${error.message}\n`);
      return error.exitCode;
    }
    if (!(error instanceof Unknown)) throw error;
    const line = `${call.machine}: ${[call.tool, ...call.args].map((word) => JSON.stringify(word)).join(' ')}: ${error.message}`;
    call.store.log('unknown.log', line);
    call.err(`simulator: ${line}\n`);
    return UNKNOWN_EXIT_CODE;
  }
}
