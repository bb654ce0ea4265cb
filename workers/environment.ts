/** Environment variables, as `process.env` or as a test says. */
export type Environment = Readonly<Record<string, string | undefined>>;
