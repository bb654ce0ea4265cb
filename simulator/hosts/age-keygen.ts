import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { ToolError, Unknown, WORKER, type Call } from '../core/call.ts';
import { intoRoot } from '../core/paths.ts';

const ALPHABET = '023456789acdefghjklmnpqrstuvwxyz';
const REPORT = 'age-keygen: report unexpected or unhelpful errors at https://filippo.io/age/report';

/** `age-keygen -o FILE`, `age-keygen -y FILE`. A private key here is its public one in capitals: age.ts. */
export function ageKeygen(call: Call): number {
  const [option, file = '', ...rest] = call.args;
  if (rest.length > 0 || (option !== '-o' && option !== '-y')) throw new Unknown('expected -o FILE or -y FILE');
  const path = call.machine === WORKER ? file : intoRoot(file, call.root);
  if (option === '-y') {
    if (!existsSync(path)) throw failed(`failed to open input file "${file}": open ${file}: no such file or directory`);
    const recipients = recipientsIn(readFileSync(path, 'utf8'));
    if (recipients.length === 0)
      throw failed('failed to parse input: error at line 1: malformed secret key: separator');
    call.out(recipients.map((each) => `${each}\n`).join(''));
    return 0;
  }
  if (existsSync(path)) throw failed(`failed to open output file "${file}": open ${file}: file exists`);
  const recipient = `age1${[...randomBytes(58)].map((byte) => ALPHABET[byte % 32] ?? '').join('')}`;
  writeFileSync(path, keyFile(recipient), { mode: 0o600 });
  call.changed(file);
  call.err(`Public key: ${recipient}\n`);
  return 0;
}

/** What is in the key file of a recipient. */
export function keyFile(recipient: string): string {
  const secret = recipient.replace('age1', 'AGE-SECRET-KEY-1').toUpperCase();
  return `# created: 2026-11-01T00:00:00Z\n# public key: ${recipient}\n${secret}\n`;
}

/** The public keys of the private ones in a text. */
export function recipientsIn(text: string): string[] {
  const keys = text.match(/AGE-SECRET-KEY-1[A-Z0-9]+/g) ?? [];
  return keys.map((key) => key.replace('AGE-SECRET-KEY-1', 'age1').toLowerCase());
}

const failed = (message: string): ToolError => new ToolError(`age-keygen: error: ${message}\n${REPORT}`);
