import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLab } from '../../lab/api.ts';
import { seconds, times, type Report } from '../report.ts';
import { median, ratios } from '../statistics.ts';
import { installPeers } from './peers.ts';
import { copyStage, type CopyStage } from './stage.ts';
import { WAYS, type Way } from './ways.ts';

/** What is copied. */
interface Shape {
  title: string;
  datasets: number;
  firstKilobytes: number;
  laterKilobytes: number;
  rounds: number;
}

const LARGE: Shape = {
  ...{ title: 'one large dataset', datasets: 1, firstKilobytes: 512 * 1024, laterKilobytes: 256 * 1024, rounds: 3 },
};
const SMALL: Shape = {
  ...{ title: '200 small datasets', datasets: 200, firstKilobytes: 64, laterKilobytes: 64, rounds: 3 },
};

/** A way’s times, by round. */
interface Times {
  way: Way;
  first: number[];
  later: number[];
}

const progress = (line: string): void => void process.stderr.write(`${line}\n`);

export const benchLargeCopy = (): Promise<Report> => benchCopies(LARGE, 'copy-large');
export const benchSmallCopies = (): Promise<Report> => benchCopies(SMALL, 'copy-small');

async function benchCopies(shape: Shape, command: string): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), 'rb-'));
  const lab = await startLab({ kind: 'vms', progress });
  try {
    await installPeers(lab, ['n1', 'n2'], progress);
    const { stage, close } = await copyStage(lab, folder);
    try {
      return report(shape, command, await measure(shape, stage));
    } finally {
      await close();
    }
  } finally {
    await lab.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure({ datasets: many, rounds, ...size }: Shape, stage: CopyStage): Promise<Times[]> {
  const all = WAYS.map((way): Times => ({ way, first: [], later: [] }));
  const datasets = Array.from({ length: many }, (_, at) => `d${at + 1}`);
  for (let round = 0; round < rounds; round += 1) {
    // None is always first.
    const inTurn = all.map((_, at) => all[(at + round) % all.length] as Times);
    const one = await stage.write(datasets, size.firstKilobytes);
    for (const { way, first } of inTurn) first.push(await told(way, stage.copy(way, datasets, one)));
    const two = await stage.write(datasets, size.laterKilobytes);
    for (const { way, later } of inTurn) later.push(await told(way, stage.copy(way, datasets, two, one)));
    await stage.clear(WAYS);
  }
  return all;
}

async function told({ name }: Way, copying: Promise<number>): Promise<number> {
  const tookMs = await copying;
  progress(`${name}: ${seconds(tookMs)}`);
  return tookMs;
}

function report(
  { title, datasets, firstKilobytes, laterKilobytes, rounds }: Shape,
  command: string,
  all: Times[],
): Report {
  const [bare, own, ...peers] = all as [Times, Times, ...Times[]];
  const size = (kilobytes: number): string => (kilobytes < 1024 ? `${kilobytes} KiB` : `${kilobytes / 1024} MiB`);
  const against = (one: number[], other: number[]): number => median(ratios(one, other));
  return {
    title: `Copying ${title}`,
    command: `npm run bench -- ${command}`,
    about: `From one virtual host to another, both with real pools, by ssh from the sender: ${datasets} × ${size(firstKilobytes)}, and an increment of ${size(laterKilobytes)} each. ${rounds} rounds; each way has its turn in each. Medians; in brackets, the median of the ratios to the bare pipe of the same round.`,
    header: ['', 'first', 'incremental'],
    rows: all.map(({ way, first, later }) => [
      way.name,
      `${seconds(median(first))} (${times(against(first, bare.first))})`,
      `${seconds(median(later))} (${times(against(later, bare.later))})`,
    ]),
    goals: [
      ...(datasets === 1
        ? [
            {
              what: 'first copy against the bare pipe',
              goal: 1 / 0.97,
              measured: against(own.first, bare.first),
              unit: '×',
            },
            {
              what: 'increment against the bare pipe',
              goal: 1 / 0.97,
              measured: against(own.later, bare.later),
              unit: '×',
            },
          ]
        : []),
      ...peers.flatMap(({ way, first, later }) => [
        { what: `first copy against ${way.name}`, goal: 1, measured: against(own.first, first), unit: '×' },
        { what: `increment against ${way.name}`, goal: 1, measured: against(own.later, later), unit: '×' },
      ]),
    ],
  };
}
