import { cpus, loadavg, totalmem } from 'node:os';

/** A goal and what was measured, in the goal's unit. */
export interface Goal {
  what: string;
  goal: number;
  measured: number;
  unit: string;
}

/** What a benchmark tells. */
export interface Report {
  title: string;
  /** `npm run bench -- help` */
  command: string;
  /** What was compared, in a sentence or two. */
  about: string;
  header: readonly string[];
  rows: readonly (readonly string[])[];
  goals: readonly Goal[];
}

/** Markdown, to be pasted into docs/benchmarks.md. */
export function renderReport({ title, command, about, header, rows, goals }: Report): string {
  return [
    `## ${title}`,
    '',
    about,
    '',
    ...table(header, rows),
    '',
    ...table(['goal', 'at most', 'measured', ''], goals.map(goalRow)),
    '',
    `\`${command}\`, ${machineLine()}`,
    '',
  ].join('\n');
}

const goalRow = ({ what, goal, measured, unit }: Goal): string[] => [
  what,
  `${Number(goal.toFixed(2))} ${unit}`.trim(),
  `${measured.toFixed(2)} ${unit}`.trim(),
  measured <= goal ? 'met' : 'missed',
];

function table(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const rule = header.map((_, column) => (column === 0 ? '---' : '---:'));
  return [line(header), line(rule), ...rows.map(line)];
}

/** Others may use the machine: the load says how much. */
function machineLine(): string {
  const cores = cpus();
  const gib = Math.round(totalmem() / 2 ** 30);
  const load = (loadavg()[0] ?? 0).toFixed(1);
  const day = new Date().toISOString().slice(0, 10);
  return `${day}, Node.js ${process.version}, ${cores.length} cores (${cores[0]?.model.trim() ?? 'unknown'}), ${gib} GiB, load ${load} at the end.`;
}

export const ms = (value: number): string => `${Math.round(value)} ms`;
export const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(2)} s`;
export const times = (ratio: number): string => `${ratio.toFixed(2)} ×`;
