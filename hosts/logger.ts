/** The little that this room needs of a logger; pino's fits. */
export interface HostLogger {
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}

export const SILENT: HostLogger = { info: () => undefined, warn: () => undefined };
