import { CliError } from './errors.ts';
import type { Io } from './io.ts';

/** Asks before what touches much. Without a terminal `--yes` has to say it. `no`: what is said after any other answer. */
export async function confirm(io: Io, question: string, no: string): Promise<void> {
  if (io.ask === undefined)
    throw new CliError('wrong usage', `${question} Expected --yes, as there is no terminal to ask.`);
  const answer = await io.ask(`${question} [y/N] `);
  if (!/^y(es)?$/i.test(answer.trim())) throw new CliError('failed', no);
}
