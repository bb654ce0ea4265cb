import { fileURLToPath } from 'node:url';

/** Where the files of a monorepo are. The build puts another path here, as its parts know no import.meta. */
export const TEMPLATES = fileURLToPath(new URL('../../templates/homelab', import.meta.url));
