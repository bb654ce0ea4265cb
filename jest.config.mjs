/** Two projects: `unit` needs nothing but Node; `temporal` shares one workflow bundle and the Temporal binaries. */
const transform = {
  '^.+\\.ts$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'es6' } }],
};
const common = {
  transform,
  extensionsToTreatAsEsm: ['.ts'],
  testEnvironment: 'node',
  // Not in the folder of temporary files, which .ci/run has in memory.
  cacheDirectory: '<rootDir>/node_modules/.cache/jest',
};

export default {
  // Most of these tests wait for a server, a timer or a process: two cores can do with more than jest's one worker.
  maxWorkers: 3,
  // A file leaves some of what it loaded behind (of Temporal’s SDK 70 MB), and to start a process takes longer the more there
  // is: 17 ms more for 300 MB. A new worker takes a third of a second.
  workerIdleMemoryLimit: '100MB',
  // What hangs is found by the waits themselves; a busy machine takes its time for all the rest.
  testTimeout: 30_000,
  reporters: ['default', '<rootDir>/scripts/jest-closing-line.mjs'],
  projects: [
    {
      ...common,
      displayName: 'unit',
      testMatch: ['<rootDir>/test/**/*.test.ts'],
      testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/(temporal|crash|replay|lab)/'],
    },
    {
      ...common,
      displayName: 'temporal',
      testMatch: ['<rootDir>/test/(temporal|replay)/**/*.test.ts'],
      globalSetup: '<rootDir>/test/temporal/global-setup.mjs',
    },
  ],
};
