/** The suites on real hosts; `npm run test:lab` runs them, where the machine can. */
import main from '../../jest.config.mjs';

const temporal = main.projects.find(({ displayName }) => displayName === 'temporal');

export default {
  ...temporal,
  displayName: 'lab',
  rootDir: '../..',
  testMatch: ['<rootDir>/test/lab/**/*.test.ts'],
  // A lab per suite, two cores on many machines: one at a time.
  maxWorkers: 1,
  // Of the tests of a suite that may run at the same time: one for each member.
  maxConcurrency: 3,
  testTimeout: 120_000,
};
