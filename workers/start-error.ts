/**
 * `unreachable`: Temporal does not answer. `refused`: it does not let us in, or not do what is needed.
 * `busy`: another server holds the data or the port. `broken`: a program that we started ended or never answered.
 */
export type StartErrorType = 'unreachable' | 'refused' | 'busy' | 'broken';

/** A server or worker that could not be started, for a reason a person can act on. */
export class StartError extends Error {
  override readonly name = 'StartError';
  readonly type: StartErrorType;
  /** The remedy: whole sentences or commands. */
  readonly whatToDo: string;

  constructor(type: StartErrorType, message: string, whatToDo: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.type = type;
    this.whatToDo = whatToDo;
  }
}
