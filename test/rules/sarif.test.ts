import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { Ajv } from 'ajv';
import { sarifLog } from '../../rules/sarif.ts';
import { checked, insert } from './homelab.ts';

/** The schema of OASIS, as its authors’ package for tests has it. It asks for ajv’s older draft, without formats. */
const main = createRequire(import.meta.url).resolve('@microsoft/jest-sarif');
const schema = Object.entries(
  JSON.parse(readFileSync(join(dirname(main), 'schemas', 'sarif-2.1.0-rtm.5.json'), 'utf8')) as object,
).filter(([key]) => key !== '$schema' && key !== 'id');
const validate = new Ajv({
  strict: false,
  validateFormats: false,
  allErrors: true,
  validateSchema: false,
  unicodeRegExp: false,
}).compile(Object.fromEntries(schema));

interface Log {
  runs: {
    results: { ruleId: string; ruleIndex: number; suppressions?: object[] }[];
    tool: { driver: { rules: { id: string }[] } };
  }[];
}

describe('SARIF', () => {
  it.each([
    ['findings', 'services.nginx.enable = true;', 1],
    ['one that is ignored', 'services.nginx.enable = true; # runbook-ignore no-host-proxies: x', 1],
    ['nothing', '', 0],
  ])('is valid with %s', async (_what, line, results) => {
    const outcome = await checked({ 'host/nodes/nuc-1/configuration.nix': insert(line) });
    const log = sarifLog(outcome, [], '1.2.3') as Log;
    expect(validate(log) ? [] : validate.errors).toEqual([]);
    expect(log.runs[0]?.results).toHaveLength(results);
  });

  it('has the mistakes of runbook.yaml, and points at its own rules', () => {
    const mistake = {
      file: 'runbook.yaml',
      line: 3,
      column: 2,
      endColumn: 5,
      severity: 'error' as const,
      message: 'No.',
    };
    const log = sarifLog({ findings: [], suppressed: [] }, [mistake], '1.2.3') as Log;
    expect(validate(log) ? [] : validate.errors).toEqual([]);
    const [run] = log.runs;
    const [result] = run?.results ?? [];
    expect(run?.tool.driver.rules[result?.ruleIndex ?? -1]?.id).toBe(result?.ruleId);
  });

  it('would not be valid with a line 0', () => {
    const mistake = { file: 'a b.nix', line: 0, column: 1, endColumn: 2, severity: 'error' as const, message: 'No.' };
    expect(validate(sarifLog({ findings: [], suppressed: [] }, [mistake], '1.2.3'))).toBe(false);
  });
});
