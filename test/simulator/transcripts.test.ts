import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { isCommand, type Command } from '../../lab/record/entry.ts';
import { jsonIn, subjects, transcript } from '../contract/transcripts.ts';
import { buildSimulator, type Simulator } from './built-simulator.ts';
import { isLeftOut, NOT_PLAYED, staleNotes } from './left-out.ts';
import { readingOf } from './readings.ts';
import { Replay } from './replay.ts';
import { shapeProblems } from './shape.ts';

jest.setTimeout(120_000);

describe('the simulated programs answer as the real ones did:', () => {
  let simulator: Simulator;
  beforeAll(async () => {
    simulator = await buildSimulator();
  });
  afterAll(async () => {
    await simulator.dispose();
  });

  it.each(subjects().filter((subject) => !(subject in NOT_PLAYED)))('%s', async (subject) => {
    const entries = transcript(subject);
    const simulation = await simulator.create({ bare: entries.some((each) => 'act' in each && each.act === 'bare') });
    const replay = new Replay(simulation, subject);
    await replay.prepare();
    const problems: string[] = [];
    for (const entry of entries) {
      if (!isCommand(entry)) await replay.act(entry);
      else if (!isLeftOut(subject, entry)) problems.push(...(await settledDifference(replay, entry)));
    }
    expect(staleNotes(subject, entries.filter(isCommand))).toEqual([]);
    expect(problems).toEqual([]);
    expect(simulation.unknown()).toEqual([]);
  });
});

const SETTLES_WITHIN_MS = 10_000;

/** What the real one came to after a while, the simulation may come to after a while as well. */
async function settledDifference(replay: Replay, entry: Command): Promise<string[]> {
  const end = Date.now() + (entry.settles === true ? SETTLES_WITHIN_MS : 0);
  for (;;) {
    const problems = await difference(replay, entry);
    if (problems.length === 0 || Date.now() >= end) return problems;
  }
}

/** Exit code, JSON's shape, and what is read of the rest. */
async function difference(replay: Replay, entry: Command): Promise<string[]> {
  const got = await replay.run(entry);
  // What the real one itself answers otherwise from time to time is no measure.
  if (entry.varies !== undefined) return [];
  replay.learn(entry, got);
  const problems: string[] = [];
  if (got.exitCode !== entry.exitCode) problems.push(`expected exit code ${entry.exitCode}, got ${got.exitCode}`);
  const wanted = { ...entry, stdout: replay.translated(entry.stdout), stderr: replay.translated(entry.stderr) };
  const [real, simulated] = [await readingOf(entry.argv, wanted), await readingOf(entry.argv, got)];
  if (JSON.stringify(real) !== JSON.stringify(simulated))
    problems.push(`expected ${JSON.stringify(real)}, got ${JSON.stringify(simulated)}`);
  const shape = jsonIn(entry.stdout);
  if (shape !== undefined) problems.push(...shapeProblems(jsonIn(got.stdout), shape));
  return problems.map((problem) => `${entry.note}: ${problem}`);
}
