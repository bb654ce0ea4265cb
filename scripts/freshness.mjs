/** What dist/ was built from. Node.js built-ins only: it is asked before every command of a developer. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));
export const DIST = join(ROOT, 'dist');

const ROOMS = 'cli workflows activities tools hosts fleet plan rules workers simulator lab bench demo'.split(' ');
const TOOLING = ['package.json', 'package-lock.json', 'scripts'];
/** The programs of dist/ and the workflow bundle, which takes longer and changes more seldom. */
export const PARTS = { programs: [...ROOMS, ...TOOLING], workflows: ['workflows', 'plan', 'fleet', ...TOOLING] };

/**
 * Path, size and modification time of each source: a file that was deleted or became older counts too. And the version
 * of Node.js: what it compiled is of use to no other.
 */
export function fingerprint(part) {
  const hash = createHash('sha256').update(`${process.version}\n`);
  for (const file of PARTS[part].flatMap(filesUnder)) {
    const { size, mtimeMs } = statSync(join(ROOT, file));
    hash.update(`${file}\0${size}\0${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

function filesUnder(path) {
  const absolute = join(ROOT, path);
  if (!existsSync(absolute)) return [];
  if (statSync(absolute).isFile()) return [path];
  return readdirSync(absolute, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => (entry.isDirectory() || entry.isFile() ? filesUnder(join(path, entry.name)) : []));
}

export const stampFile = (part) => join(DIST, `.${part}.fingerprint`);

export function isFreshPart(part) {
  const file = stampFile(part);
  return existsSync(file) && readFileSync(file, 'utf8') === fingerprint(part);
}

export const isFresh = () => Object.keys(PARTS).every(isFreshPart);
