const SIGNALS = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;

/**
 * Calls `stop` at the first SIGINT, SIGTERM or SIGHUP; a second one ends the process at once, with 128 + its number.
 * Returns a function that gives the signals back.
 */
export function onStopSignal(stop: () => void): () => void {
  let asked = false;
  const listener = (signal: keyof typeof SIGNALS) => {
    if (asked) process.exit(128 + SIGNALS[signal]);
    asked = true;
    stop();
  };
  const names = Object.keys(SIGNALS) as (keyof typeof SIGNALS)[];
  for (const name of names) process.on(name, listener);
  return () => {
    for (const name of names) process.off(name, listener);
  };
}
