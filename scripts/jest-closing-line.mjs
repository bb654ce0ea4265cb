/** Ends a test run with `N passed, N failed` alone on a line, for programs that read it. */
export default class ClosingLine {
  onRunComplete(_contexts, results) {
    // A file that could not be loaded has no failed test, and is a failure all the same.
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const skipped = results.numPendingTests + results.numTodoTests;
    const counts = [`${results.numPassedTests} passed`, `${failed} failed`];
    const line = [...counts, ...(skipped > 0 ? [`${skipped} skipped`] : [])].join(', ');
    // Jest's own summary comes after all other reporters.
    process.once('exit', () => console.log(line));
  }
}
