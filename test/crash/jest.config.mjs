/** Worker and server killed at every step: `npm run test:crash`. Its runs wait more than they work, so one file at a time. */
import main from '../../jest.config.mjs';

const temporal = main.projects.find(({ displayName }) => displayName === 'temporal');

export default {
  ...temporal,
  displayName: 'crash',
  rootDir: '../..',
  testMatch: ['<rootDir>/test/crash/**/*.test.ts'],
  // Of what takes an hour only what was asked for: one part of its kills, or all.
  testPathIgnorePatterns: process.env.RUNBOOK_CRASH_PART === undefined ? ['/test/crash/procedures[.]test'] : [],
  reporters: main.reporters,
  maxWorkers: 1,
};
