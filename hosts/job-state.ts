import type { JobState } from './host.ts';

const MAX_LINES = 50;
/** Linux has 64 signals; a shell reports the end by signal N as 128 + N. */
const FIRST_SIGNAL = 129;
const LAST_SIGNAL = 192;
/** What a lost job exited with nobody knows: the code that ssh uses for the like. */
const LOST_EXIT_CODE = 255;

/** Reads what the status script printed. @throws {TypeError} where it is nothing of the kind. */
export function parseJobState(text: string, boundary: string): JobState {
  const [header = '', ...sections] = text.split(`\n${boundary}\n`);
  const [state = '', startedAt = '', startUptime = '', ...result] = header.trim().split('\n');
  switch (state) {
    case 'absent':
      return { type: 'absent' };
    case 'running':
      return { type: 'running', startedAt, lines: lastLines(sections[0] ?? '', sections[1] ?? '') };
    case 'ended':
      return ended(sections, startedAt, startUptime, result);
    case 'lost':
      return { ...outputs(sections), type: 'ended', how: 'lost', exitCode: LOST_EXIT_CODE, startedAt, durationMs: 0 };
    default:
      throw new TypeError(`Expected the state of a job, got ${JSON.stringify(header.slice(0, 200))}.`);
  }
}

function ended(
  sections: readonly string[],
  startedAt: string,
  startUptime: string,
  result: readonly string[],
): JobState {
  const [why = '', code = '', endUptime = ''] = result;
  const exitCode = Number(code);
  const durationMs = Math.round((Number(endUptime) - Number(startUptime)) * 1000);
  return { ...outputs(sections), type: 'ended', how: howEnded(why, exitCode), exitCode, startedAt, durationMs };
}

function howEnded(why: string, exitCode: number): 'exited' | 'signalled' | 'timed out' | 'stopped' {
  if (why === 'timed out' || why === 'stopped') return why;
  return exitCode >= FIRST_SIGNAL && exitCode <= LAST_SIGNAL ? 'signalled' : 'exited';
}

function outputs([stdout = '', stderr = '', cut = '']: readonly string[]): {
  stdout: string;
  stderr: string;
  truncated: boolean;
} {
  return { stdout, stderr, truncated: cut === 'cut' };
}

/** The last lines of both, as many of each as there is room for: in what order they came is not known. */
function lastLines(stdout: string, stderr: string): string[] {
  const [out, err] = [linesOf(stdout), linesOf(stderr)];
  const errRoom = Math.max(MAX_LINES - out.length, MAX_LINES / 2);
  const kept = err.slice(-errRoom);
  return [...out.slice(-(MAX_LINES - kept.length)), ...kept];
}

function linesOf(text: string): string[] {
  return text.split('\n').filter((line) => line !== '');
}
