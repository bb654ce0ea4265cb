import { Unknown } from './core/call.ts';

export interface SshArguments {
  host: string;
  user: string;
  port: number;
  /** What the remote shell gets: the words joined by blanks, as ssh does. */
  command: string;
  /** `-O check`, `-O exit`, `-O stop`. */
  control: string | undefined;
  option(name: string): string | undefined;
}

const FLAGS = new Set(['-T', '-n', '-q', '-x', '-a', '-4', '-6', '-v', '-k']);
const VALUED = new Set(['-o', '-p', '-i', '-l', '-O', '-F', '-S', '-E']);
const OPTIONS = new Set(
  `BatchMode CheckHostIP ClearAllForwardings Compression ConnectionAttempts ConnectTimeout ControlMaster ControlPath
   ControlPersist EscapeChar ForwardAgent ForwardX11 GlobalKnownHostsFile HostKeyAlgorithms HostKeyAlias IdentitiesOnly IdentityFile
   IgnoreUnknown KbdInteractiveAuthentication KnownHostsCommand LogLevel NumberOfPasswordPrompts PasswordAuthentication PermitLocalCommand Port
   PreferredAuthentications RemoteCommand RequestTTY ServerAliveCountMax ServerAliveInterval StrictHostKeyChecking TCPKeepAlive
   UpdateHostKeys User UserKnownHostsFile VerifyHostKeyDNS`
    .split(/\s+/)
    .map((name) => name.toLowerCase()),
);

/** Options may also follow the host, up to the command. Throws {@link Unknown} for those that the simulation does not know. */
export function readSshArguments(args: readonly string[]): SshArguments {
  const options = new Map<string, string>();
  const single = new Map<string, string>();
  let destination: string | undefined;
  let i = 0;
  let onlyWords = false;
  for (; i < args.length; i++) {
    const word = args[i] ?? '';
    if (onlyWords || !word.startsWith('-') || word === '-') {
      if (destination !== undefined) break;
      destination = word;
    } else if (word === '--') onlyWords = true;
    else if (!FLAGS.has(word)) {
      const letter = word.slice(0, 2);
      if (!VALUED.has(letter)) throw new Unknown(`unknown option ${word}`);
      const value = word.length > 2 ? word.slice(2) : (args[++i] ?? '');
      if (letter === '-o') setOption(options, value);
      else single.set(letter, value);
    }
  }
  const { user, host } = splitDestination(destination ?? '');
  return {
    host,
    user: user ?? single.get('-l') ?? options.get('user') ?? 'root',
    port: Number(single.get('-p') ?? options.get('port') ?? 22),
    command: args.slice(i).join(' '),
    control: single.get('-O'),
    option: (name) => (name === 'ControlPath' ? single.get('-S') : undefined) ?? options.get(name.toLowerCase()),
  };
}

/** The first value of an option holds, as with OpenSSH. */
function setOption(options: Map<string, string>, text: string): void {
  const [, name, value] = /^\s*(\w+)\s*[= ]\s*(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined || !OPTIONS.has(name.toLowerCase()))
    throw new Unknown(`unknown option -o ${text}`);
  if (!options.has(name.toLowerCase()))
    options.set(name.toLowerCase(), value.replace(/^"(.*)"$/, '$1').replaceAll('%%', '%'));
}

function splitDestination(text: string): { user: string | undefined; host: string } {
  if (text === '') throw new Unknown('no destination');
  const at = text.lastIndexOf('@');
  return { user: at === -1 ? undefined : text.slice(0, at), host: text.slice(at + 1) };
}
