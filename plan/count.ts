/** `1 member`, `3 members`. */
export const count = (number: number, what: string): string => `${number} ${number === 1 ? what : pluralOf(what)}`;

const pluralOf = (what: string): string => (what.endsWith('person') ? what.replace(/person$/, 'people') : `${what}s`);
