/** The version in package.json, repeated here so that nothing is read at start. */
export const VERSION = '0.1.0';
