/** One block of the format; headers and contents fill whole ones. */
const BLOCK = 512;
const NAME = { at: 0, bytes: 100 };
const SIZE = { at: 124, bytes: 12 };
const CHECKSUM = { at: 148, bytes: 8 };
const KIND_AT = 156;

/**
 * The plain files of a tar archive in memory, by name. Undefined where it is none, or is cut off. Only what `tar` makes of
 * short names is read: anything else has no place in an archive of ours.
 */
export function readTar(archive: Buffer): Map<string, Buffer> | undefined {
  const files = new Map<string, Buffer>();
  let at = 0;
  while (at + BLOCK <= archive.length) {
    const header = archive.subarray(at, at + BLOCK);
    if (header.every((byte) => byte === 0)) return files;
    const size = octal(header, SIZE);
    if (size === undefined || checksum(header) !== octal(header, CHECKSUM)) return undefined;
    const content = archive.subarray(at + BLOCK, at + BLOCK + size);
    if (content.length < size) return undefined;
    const kind = String.fromCharCode(header[KIND_AT] ?? 0);
    if (kind === '0' || kind === '\0') files.set(text(header, NAME), content);
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return undefined;
}

interface Field {
  at: number;
  bytes: number;
}

function text(header: Buffer, { at, bytes }: Field): string {
  const field = header.subarray(at, at + bytes);
  const end = field.indexOf(0);
  return field.subarray(0, end === -1 ? bytes : end).toString('utf8');
}

function octal(header: Buffer, field: Field): number | undefined {
  const digits = text(header, field).trim();
  return /^[0-7]+$/.test(digits) ? Number.parseInt(digits, 8) : undefined;
}

/** Of all bytes, those of the checksum itself as spaces. */
function checksum(header: Buffer): number {
  return header.reduce(
    (sum, byte, at) => sum + (at >= CHECKSUM.at && at < CHECKSUM.at + CHECKSUM.bytes ? 32 : byte),
    0,
  );
}
