import { cleanEnvironment, onStage } from './stage.ts';
import { RUNBOOK, startWorkerProcess, timed, type Timing } from './programs.ts';
import { ms, times, type Report } from './report.ts';
import { median, ratios } from './statistics.ts';

const PAIRS = 25;
const NOTHING = [process.execPath, '-e', '0'];

/** `runbook --help` beside a Node.js that does nothing. */
export async function benchHelp(): Promise<Report> {
  const env = cleanEnvironment();
  return {
    title: '`runbook --help`',
    command: 'npm run bench -- help',
    about: `${PAIRS} pairs in turn, wall time of the process.`,
    ...(await compared('runbook --help', 1.5, [process.execPath, RUNBOOK, '--help'], { env })),
  };
}

/** `runbook status` beside the same, on a server with a worker. */
export const benchStatus = (): Promise<Report> =>
  onStage(async ({ env, simulation }) => {
    const worker = await startWorkerProcess(env, simulation.repoDir);
    try {
      const options = { env, cwd: simulation.repoDir };
      return {
        title: '`runbook status`',
        command: 'npm run bench -- status',
        about: `${PAIRS} pairs in turn, wall time of the process; development server and worker run beside it.`,
        ...(await compared('runbook status', 6, [process.execPath, RUNBOOK, 'status'], options)),
      };
    } finally {
      await worker.stop();
    }
  });

async function compared(
  what: string,
  goal: number,
  argv: readonly string[],
  options: Parameters<typeof timed>[1],
): Promise<Pick<Report, 'header' | 'rows' | 'goals'>> {
  const [bases, values]: [Timing[], Timing[]] = [[], []];
  // The first pair fills the caches of the file system and is not counted.
  for (let pair = 0; pair <= PAIRS; pair += 1) {
    const base = await timed(NOTHING, options);
    const value = await timed(argv, options);
    if (pair === 0) continue;
    bases.push(base);
    values.push(value);
  }
  const ratio = (of: keyof Timing): number => median(ratios(column(values, of), column(bases, of)));
  const row = (name: string, all: readonly Timing[]): string[] => [
    name,
    ms(median(column(all, 'wall'))),
    ms(Math.min(...column(all, 'wall'))),
    ms(median(column(all, 'cpu'))),
  ];
  return {
    header: ['program', 'median', 'fastest', 'processor time, median'],
    rows: [
      row('`node -e 0`', bases),
      row(`\`${what}\``, values),
      ['median of the pairs’ ratios', times(ratio('wall')), '', times(ratio('cpu'))],
    ],
    goals: [{ what: `${what} against node -e 0`, goal, measured: ratio('wall'), unit: '×' }],
  };
}

const column = (all: readonly Timing[], of: keyof Timing): number[] => all.map((timing) => timing[of]);
