import { expectedNames } from '../../plan/approval.ts';
import { reasonRefusal } from '../../plan/reason.ts';
import type { Decision } from '../../plan/run.ts';
import {
  DECIDE_UPDATE,
  PAUSE_UPDATE,
  RESUME_UPDATE,
  type DecideArgs,
  type PauseArgs,
} from '../../workflows/messages.ts';
import type { CommandContext } from '../context.ts';
import { CliError } from '../errors.ts';
import type { Ending } from '../exit-codes.ts';
import { print, printJson } from '../io.ts';
import { clean } from '../render/clean.ts';
import { countText } from '../render/decision.ts';
import { parseRun, type RunOptions } from '../run-argument.ts';
import type { Connected } from '../temporal/connect.ts';
import { actorOf } from '../temporal/identity.ts';
import { queryView } from '../temporal/query-view.ts';
import type { RunRef } from '../temporal/read-run.ts';
import { withTemporal } from '../temporal/session.ts';
import { sendUpdate } from '../temporal/updates.ts';

export interface DecideOptions extends RunOptions {
  approval?: string;
  reason?: string;
  plan?: string;
  name?: string[];
}

/** Answers the question that a run asks, in the name of who typed it. */
export function decide(
  context: CommandContext,
  typed: string,
  approved: boolean,
  options: DecideOptions,
): Promise<Ending> {
  const { io } = context;
  const ref = parseRun(typed, options);
  const reason = clean(options.reason ?? '').trim();
  const refusal = reasonRefusal(reason);
  if (refusal !== undefined)
    throw new CliError('wrong usage', refusal, {
      description: ['It is kept with the run, for whoever reads it later.'],
    });
  const args: DecideArgs = {
    ...(options.approval === undefined ? {} : { approvalId: options.approval }),
    approved,
    actor: actorOf(io.env),
    reason,
    ...(options.plan === undefined ? {} : { plan: options.plan }),
  };
  return withTemporal(context, async (connected) => {
    const names = approved ? await namesFor(context, connected, ref, options.name) : [];
    const decision = await sendUpdate<Decision>(connected, ref, {
      name: DECIDE_UPDATE,
      args: { ...args, ...carried(names) },
      refused: approved ? 'Not approved' : 'Not rejected',
      now: io.now(),
    });
    const word = decision.approved ? 'approved' : 'rejected';
    if (options.json === true) printJson(io, decision);
    else
      print(io, [
        `${clean(decision.approvalId)} of ${clean(ref.workflowId)} is ${word}${countText(decision.count)} by ${clean(decision.actor)}.`,
        ...missingLine(decision),
        `  runbook watch ${clean(ref.workflowId)}   follow it`,
      ]);
    return 'done';
  });
}

/** Of a yes that is not enough by itself. */
const missingLine = ({ count }: Decision): string[] =>
  count === undefined || count.yes >= count.of
    ? []
    : [`Nothing happens yet: it needs ${count.of} people, and waits for ${count.of - count.yes} more.`];

/** One name as it has always been told, several as a list. */
const carried = ([name, ...more]: string[]): Pick<DecideArgs, 'name' | 'names'> => {
  if (name === undefined) return {};
  return more.length === 0 ? { name } : { names: [name, ...more] };
};

/** The names that were given, or typed where the run expects some and there is a terminal to ask. */
async function namesFor(
  { io }: CommandContext,
  connected: Connected,
  ref: RunRef,
  given: string[] | undefined,
): Promise<string[]> {
  if (given !== undefined) return given;
  const approval = (await queryView(connected, ref))?.approval;
  if (approval === undefined || io.ask === undefined) return [];
  const expected = expectedNames(approval);
  if (expected.length > 0)
    print(io, [approval.question, ...approval.consequences.map((line) => `  ${line}`)].map(clean));
  const typed: string[] = [];
  for (const name of expected) {
    const answer = (await io.ask(`Type ${clean(name)} to approve: `)).trim();
    if (answer === '') throw new CliError('failed', 'Not approved: no name was typed. The run waits on.');
    typed.push(answer);
  }
  return typed;
}

/** Holds a run before its next step, or lets it go on. Idempotent. */
export function setPaused(
  context: CommandContext,
  typed: string,
  paused: boolean,
  options: RunOptions,
): Promise<Ending> {
  const { io } = context;
  const ref = parseRun(typed, options);
  const args: PauseArgs = { actor: actorOf(io.env) };
  return withTemporal(context, async (connected) => {
    await sendUpdate(connected, ref, {
      name: paused ? PAUSE_UPDATE : RESUME_UPDATE,
      args,
      refused: paused ? 'Not paused' : 'Not resumed',
      now: io.now(),
    });
    const id = clean(ref.workflowId);
    print(
      io,
      paused
        ? [
            `${id} holds before its next step; the step that is under way ends first.`,
            `  runbook resume ${id}   let it go on`,
          ]
        : [`${id} goes on.`],
    );
    return 'done';
  });
}
