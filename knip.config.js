/** What is reached otherwise than by an import. */
export default {
  entry: [
    '{cli,demo,lab,simulator,bench}/main.ts!',
    'lab/record/record.ts!',
    'workers/temporal-cli.ts!',
    'workflows/{index,failure-converter}.ts!',
    'scripts/*.{mjs,cjs}',
    'test/{lab,crash}/jest.config.mjs',
    'test/replay/record/jest.config.mjs',
    'test/replay/record/*.record.ts',
    'test/**/*.test.ts',
    'test/**/*-fixture.ts',
    'test/**/fixtures/*',
  ],
  project: ['**/*.{ts,mjs,js}'],
  // Of the system: util-linux, OpenSSH, coreutils, Prometheus, sqlite3, xdg-utils.
  ignoreBinaries: [
    'flock',
    'openssl',
    'promtool',
    'setpriv',
    'ssh-keygen',
    'script',
    'setsid',
    'sqlite3',
    'terraform',
    'unshare',
    'xdg-open',
  ],
  // Read as files: grammars as WebAssembly, the schema of SARIF.
  ignoreDependencies: ['@cursorless/tree-sitter-wasms', '@microsoft/jest-sarif'],
  // Where the build puts it.
  ignoreUnresolved: ['../cli-serve.js'],
  ignoreExportsUsedInFile: true,
};
