import { reportNotRun } from './leashed-process.ts';
import { quoteArgv, quoteExport, quoteWord } from './quote.ts';
import { SHELL } from './shells.ts';

/** Linux takes at most 128 KiB in one argument (MAX_ARG_STRLEN), and the remote command is one. */
const MAX_BYTES = 128 * 1024 - 1;

export interface RemoteCommand {
  argv: readonly string[];
  env?: Readonly<Record<string, string>> | undefined;
  nonce: string;
  /** Length of what is sent for the command to read; without it, its standard input is closed. */
  inputBytes?: number | undefined;
}

/**
 * What the login shell of the other side is given. sshd makes it the leader of a process group; two parts run in it:
 * - a watcher of standard input: a line ends the command politely, the end of the input (we have gone, or the
 *   connection has) kills the group. So nothing of a short command survives us;
 * - the command, its standard input cut off at `inputBytes`, and the marks on standard error that say that it began,
 *   could not be started, or with which code it ended. ssh's own 255 can't be mistaken for them.
 * Builtins and `head` only; one round trip.
 * @throws {TypeError} where a word has a NUL, a variable's name is none, or the whole is longer than Linux takes.
 */
export function remoteCommand({ argv, env = {}, nonce, inputBytes }: RemoteCommand): string {
  const exports = Object.entries(env).map(([name, value]) => `${quoteExport(name, value)}; `);
  const input = inputBytes === undefined ? '' : `head -c ${inputBytes}; `;
  const source = inputBytes === undefined ? '</dev/null ' : '';
  const text = `exec 3<&0 4>&2 2>/dev/null
echo '${nonce} begin' >&4
trap : TERM
(trap '' HUP INT TERM; ${input}exec >/dev/null 4>&-; while read -r _; do kill -TERM -$$; done; kill -KILL -$$) <&3 | {
trap : TERM
(exec ${source}2>&4 3<&- 4>&-
${exports.join('')}exec ${SHELL} -c ${quoteWord(reportNotRun(nonce))} sh ${quoteArgv(argv)})
echo "${nonce} exit $?" >&4
kill -KILL -$$
}`;
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_BYTES)
    throw new TypeError(`Expected a remote command of at most ${MAX_BYTES} bytes, got ${bytes}: send data as input.`);
  return text;
}
