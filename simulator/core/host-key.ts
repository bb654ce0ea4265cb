import { createHash } from 'node:crypto';

/** The public ed25519 host key of a machine: always the same for a name, and no key that anyone holds the private part of. */
export function hostKeyOf(machine: string): string {
  const field = (data: Buffer): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    return Buffer.concat([length, data]);
  };
  const key = createHash('sha256').update(`host key of ${machine}`).digest();
  return `ssh-ed25519 ${Buffer.concat([field(Buffer.from('ssh-ed25519')), field(key)]).toString('base64')}`;
}
