import { DefaultLogger, type Logger as TemporalLogger } from '@temporalio/worker';
import { pino, stdSerializers, type Logger } from 'pino';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface LogOptions {
  level: LogLevel | 'silent';
  /** A file that is added to, 0600. Without it: stderr. */
  file?: string;
}

/** One JSON object per line. Written at once: a worker that is killed has said what it did. */
export const createLogger = ({ level, file }: LogOptions): Logger =>
  pino(
    { level, base: null, serializers: { error: stdSerializers.err } },
    pino.destination({ dest: file ?? 2, sync: true, mode: 0o600 }),
  );

const LEVELS = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;

/** What the SDK and the workflows log, into ours. */
export const temporalLogger = (logger: Logger): TemporalLogger =>
  new DefaultLogger('TRACE', ({ level, message, meta }) => {
    logger[LEVELS[level]](meta ?? {}, message);
  });
