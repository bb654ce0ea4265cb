/** Records histories: see `npm run record-histories`. */
import main from '../../../jest.config.mjs';

const temporal = main.projects.find(({ displayName }) => displayName === 'temporal');

export default {
  ...temporal,
  displayName: 'record',
  rootDir: '../../..',
  testMatch: ['<rootDir>/test/replay/record/*.record.ts'],
  // They share one folder, whose name ends up in the histories.
  maxWorkers: 1,
  testTimeout: 240_000,
};
