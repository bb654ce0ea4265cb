/** What every tool takes beside its host. */
export interface ToolOptions {
  /** Ends the command that is running. */
  signal?: AbortSignal;
}

/** With `exactOptionalPropertyTypes` an absent signal has to be absent, not undefined. */
export function withSignal(options: ToolOptions): { signal?: AbortSignal } {
  return options.signal === undefined ? {} : { signal: options.signal };
}
