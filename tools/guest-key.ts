import { HostError, type Host } from '../hosts/host.ts';
import { tail, unexpected, type Ran, type Unexpected } from './result.ts';
import { withSignal, type ToolOptions } from './tool-options.ts';

const TIMEOUT_MS = 30_000;

export type GuestKeys =
  { type: 'keys'; recipients: string[] } | { type: 'no key file'; message: string } | { type: 'no age' } | Unexpected;

export type Unwrapped =
  | { type: 'unwrapped' }
  /** None of the keys in the file is the recipient’s. */
  | { type: 'wrong key' }
  | { type: 'no key file'; message: string }
  | Unexpected;

/**
 * `$1` the key file, `$2` the new key, `$3` what the key file was. Each step is done once and is whole or not there. In the end
 * the key file has both keys, so that what was encrypted to either can be read.
 */
const MAKE = `umask 077
[ -f "$1" ] && [ ! -L "$1" ] || { echo "$1: no plain file" >&2; exit 66; }
[ -e "$3" ] || { cp -p -- "$1" "$3.part" && sync -- "$3.part" && mv -T -- "$3.part" "$3"; } || exit
[ -e "$2" ] || { rm -f -- "$2.part" && age-keygen -o "$2.part" 2>/dev/null && sync -- "$2.part" && mv -T -- "$2.part" "$2"; } || exit
cp -p -- "$3" "$1.part" && { cat -- "$3" && echo && cat -- "$2"; } >"$1.part" && sync -- "$1.part" && mv -T -- "$1.part" "$1" || exit
sync -- "\${1%/*}"
exec age-keygen -y "$2"`;

/** For a guest that has none yet. */
const ENSURE = `umask 077
[ -e "$1" ] || { mkdir -p -- "\${1%/*}" && rm -f -- "$1.part" && age-keygen -o "$1.part" && sync -- "$1.part" && mv -T -- "$1.part" "$1" && sync -- "\${1%/*}"; } || exit
exec age-keygen -y "$1"`;

/** The new key alone, with owner and mode of the file; what it was goes. Nothing is done where there is no new key any more. */
const KEEP_NEW = `umask 077
[ ! -e "$2" ] || { cp -p -- "$1" "$1.part" && cat -- "$2" >"$1.part" && sync -- "$1.part" && mv -T -- "$1.part" "$1" && sync -- "\${1%/*}"; } || exit
rm -f -- "$2" "$3" "$2.part" "$3.part" && sync -- "\${1%/*}" || exit
exec age-keygen -y "$1"`;

/** The file is what it was; the new key goes. */
const KEEP_OLD = `[ ! -e "$3" ] || { mv -T -- "$3" "$1" && sync -- "\${1%/*}"; } || exit
rm -f -- "$2" "$2.part" "$3.part" "$1.part" && sync -- "\${1%/*}" || exit
exec age-keygen -y "$1"`;

/** Into nothing: what is decrypted is the data key, which nobody needs to see. */
const UNWRAP = `exec age --decrypt --identity "$1" >/dev/null`;

/** The keys of a guest, handled inside of it: only public ones come out. `id`: what it makes is named after it. */
export interface GuestKey {
  /** The public keys of every private key in the file. */
  recipients(): Promise<GuestKeys>;
  /** Makes the key file where there is none. Returns the public keys of what is in it. Idempotent. */
  ensure(): Promise<GuestKeys>;
  /** Makes a key beside the one in the file, and puts both into it. Returns the new public key. Idempotent. */
  make(): Promise<GuestKeys>;
  /** Only the new one stays. Idempotent. */
  keepNew(): Promise<GuestKeys>;
  /** Only what was there before {@link make} stays. Idempotent. */
  keepOld(): Promise<GuestKeys>;
  /** Whether a data key that was encrypted by age can be decrypted there with the old key, the new one, or the file as it is. */
  unwraps(stanza: string, which: 'old' | 'new' | 'file'): Promise<Unwrapped>;
}

export function createGuestKey(host: Host, keyFile: string, id: string, options: ToolOptions = {}): GuestKey {
  const [made, former] = [`${keyFile}.${id}.new`, `${keyFile}.${id}.old`];
  const run = async (argv: string[], input?: string): Promise<Ran> => {
    const given = input === undefined ? {} : { input };
    return { argv, result: await host.run(argv, { timeoutMs: TIMEOUT_MS, ...given, ...withSignal(options) }) };
  };
  const keys = async (...argv: string[]): Promise<GuestKeys> => {
    try {
      return keysIn(await run(argv));
    } catch (error) {
      if (error instanceof HostError && error.type === 'NotRun') return { type: 'no age' };
      throw error;
    }
  };
  const script = (text: string): Promise<GuestKeys> => keys('sh', '-c', text, 'sh', keyFile, made, former);
  return {
    recipients: () => keys('age-keygen', '-y', keyFile),
    ensure: () => script(ENSURE),
    make: () => script(MAKE),
    keepNew: () => script(KEEP_NEW),
    keepOld: () => script(KEEP_OLD),
    unwraps: async (stanza, which) => {
      const file = which === 'file' ? keyFile : which === 'new' ? made : former;
      const { argv, result } = await run(['sh', '-c', UNWRAP, 'sh', file], stanza);
      if (result.exitCode === 0) return { type: 'unwrapped' };
      if (/no identity matched any of the recipients/.test(result.stderr)) return { type: 'wrong key' };
      if (/": failed to open file: /.test(result.stderr))
        return { type: 'no key file', message: tail(result.stderr, 200) };
      return unexpected('age', { argv, result: { ...result, stdout: '' } });
    },
  };
}

function keysIn({ argv, result }: Ran): GuestKeys {
  const { exitCode, stdout, stderr } = result;
  const recipients = stdout.split('\n').filter((line) => line.startsWith('age1'));
  if (exitCode === 0 && recipients.length > 0) return { type: 'keys', recipients };
  if (exitCode === 127) return { type: 'no age' };
  const message = tail(stderr, 200);
  if (exitCode === 66 || /failed to (?:open input file|parse input)/.test(stderr))
    return { type: 'no key file', message };
  return unexpected('age-keygen', { argv, result });
}
