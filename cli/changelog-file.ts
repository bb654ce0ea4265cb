import { fileURLToPath } from 'node:url';

/** Where CHANGELOG.md is. The build puts another path here, as its parts know no import.meta. */
export const CHANGELOG = fileURLToPath(new URL('../CHANGELOG.md', import.meta.url));
