/** What happens while a program is looked for, as data: who shows it decides how. */
export type BinaryEvent =
  /** Something was found and can't be used. */
  | { type: 'passed over'; where: string; why: string }
  /** Another process is downloading the same program; this one waits for it. */
  | { type: 'waiting' }
  | { type: 'downloading'; title: string; version: string; from: string }
  /** Some once a second: bytes on disk so far (of an archive, then of its content). */
  | { type: 'progress'; title: string; bytes: number }
  | { type: 'downloaded'; title: string; version: string; path: string; ms: number };

export type ReportBinary = (event: BinaryEvent) => void;

/** One line for people. */
export function describeBinaryEvent(event: BinaryEvent): string {
  switch (event.type) {
    case 'passed over':
      return `Passed over ${event.where}: ${event.why}`;
    case 'waiting':
      return 'Waiting for another process that downloads it';
    case 'downloading':
      return `Downloading the ${event.title} ${event.version} (${event.from})`;
    case 'progress':
      return `Downloading the ${event.title}: ${(event.bytes / 1e6).toFixed(0)} MB`;
    case 'downloaded':
      return `Got the ${event.title} ${event.version} in ${(event.ms / 1000).toFixed(1)} s: ${event.path}`;
  }
}

/** Where a program was looked for, and why it was not had there. */
export interface Attempt {
  where: string;
  why: string;
}

/** No place had a usable program. `message` names them all and says what to do. */
export class BinaryNotFound extends Error {
  override readonly name = 'BinaryNotFound';
  readonly attempts: readonly Attempt[];

  constructor(title: string, attempts: readonly Attempt[], whatToDo: string) {
    const places = attempts.map(({ where, why }) => `  ${where}: ${why}`);
    super([`Found no ${title}. Looked in:`, ...places, whatToDo].join('\n'));
    this.attempts = attempts;
  }
}
