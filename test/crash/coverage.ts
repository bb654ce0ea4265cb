import { MOMENTS, VICTIMS, type Kill } from './killing.ts';

const COLUMNS = VICTIMS.flatMap((victim) => MOMENTS.map((when) => ({ victim, when, title: `${victim} ${when}` })));

/** How often each step of a run was killed, in each way: rows in the order of the procedure. */
export interface Coverage {
  step: string;
  kills: Record<string, number>;
}

export function coverageOf(steps: readonly string[], kills: readonly Kill[]): Coverage[] {
  return steps.map((step) => ({
    step,
    kills: Object.fromEntries(
      COLUMNS.map(({ victim, when, title }) => [
        title,
        kills.filter((kill) => kill.victim === victim && kill.when === when && kill.point.step === step).length,
      ]),
    ),
  }));
}

/** `deploy edge-vm: server after`: in which way no kill struck a step. */
export function gapsIn(coverage: readonly Coverage[]): string[] {
  return coverage.flatMap(({ step, kills }) =>
    COLUMNS.filter(({ title }) => kills[title] === 0).map(({ title }) => `${step}: ${title}`),
  );
}

export function renderCoverage(coverage: readonly Coverage[]): string {
  const width = Math.max(...coverage.map(({ step }) => step.length));
  const cells = (kills: Coverage['kills']): string =>
    COLUMNS.map(({ title }) => String(kills[title] ?? 0).padStart(title.length)).join('  ');
  const header = `${''.padEnd(width)}  ${COLUMNS.map(({ title }) => title).join('  ')}`;
  const rows = coverage.map(({ step, kills }) => `${step.padEnd(width)}  ${cells(kills)}`);
  return ['Kills in each step of safe-upgrade, after which the run ended as without them:', header, ...rows].join('\n');
}
