import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLab } from '../../lab/api.ts';
import { listenTo } from '../listen.ts';
import { ms, seconds, type Report } from '../report.ts';
import { copyStage } from './stage.ts';
import type { Way } from './ways.ts';

const SIZES = [10, 100, 1000];
const OWN: Way = { name: 'runbook' };

interface Row {
  datasets: number;
  tookMs: number;
  /** Of the worker's process. */
  cpuMs: number;
  /** Commands by host. */
  commands: Readonly<Record<string, number>>;
}

/** What a copy costs that has nothing to send, by the number of datasets: commands on each host, time, processor time. */
export async function benchUnchanged(): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), 'rb-'));
  const progress = (line: string): void => void process.stderr.write(`${line}\n`);
  const lab = await startLab({ kind: 'vms', progress });
  const commands = new Map<string, number>();
  try {
    const { stage, close } = await copyStage(lab, folder, (deps) =>
      listenTo(deps, ({ where }) => commands.set(where, (commands.get(where) ?? 0) + 1)),
    );
    const rows: Row[] = [];
    try {
      for (const size of SIZES) {
        const datasets = Array.from({ length: size }, (_, at) => `d${at + 1}`);
        const snapshot = await stage.write(datasets, 1);
        progress(`${size} datasets, all of each: ${seconds(await stage.copy(OWN, datasets, snapshot))}`);
        commands.clear();
        const cpu = process.cpuUsage();
        const tookMs = await stage.copy(OWN, datasets, snapshot);
        const { user, system } = process.cpuUsage(cpu);
        rows.push({ datasets: size, tookMs, cpuMs: (user + system) / 1000, commands: Object.fromEntries(commands) });
        progress(`${size} datasets, nothing new: ${seconds(tookMs)}`);
      }
    } finally {
      await close();
    }
    return report(rows);
  } finally {
    await lab.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

function report(rows: readonly Row[]): Report {
  const hosts = [...new Set(rows.flatMap(({ commands }) => Object.keys(commands)))].sort();
  const most = rows.at(-1);
  return {
    title: 'Copying where nothing has changed',
    command: 'npm run bench -- unchanged',
    about:
      'From one virtual host to another, both with real pools; the copies have the newest snapshot. Commands that the worker runs on each host, and processor time of its process.',
    header: ['datasets', ...hosts.map((host) => `commands on ${host}`), 'time', 'processor time'],
    rows: rows.map(({ datasets, tookMs, cpuMs, commands }) => [
      String(datasets),
      ...hosts.map((host) => String(commands[host] ?? 0)),
      seconds(tookMs),
      ms(cpuMs),
    ]),
    goals: hosts.map((host) => ({
      ...{ what: `commands on ${host} for ${most?.datasets ?? 0} datasets`, unit: '' },
      ...{ goal: rows[0]?.commands[host] ?? 0, measured: most?.commands[host] ?? 0 },
    })),
  };
}
