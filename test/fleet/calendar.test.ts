import { describe, expect, it } from '@jest/globals';
import { clockChanges, DAYS, describeClockChange, inZone, isTimeZone, timesBetween } from '../../fleet/calendar.ts';
import { parseFleet } from '../../fleet/load.ts';

const utc = (text: string): number => Date.parse(`${text}Z`);
const shown = (times: readonly number[]): string[] => times.map((time) => new Date(time).toISOString().slice(0, 16));
const berlin = (at: string, days: readonly string[] = DAYS) => ({ at, days, timeZone: 'Europe/Berlin' });

describe('times of day', () => {
  it('are those of the zone, on its days', () => {
    const nights = timesBetween(
      berlin('04:15', ['friday', 'monday']),
      utc('2026-11-26T00:00'),
      utc('2026-12-05T00:00'),
    );
    expect(shown(nights)).toEqual(['2026-11-27T03:15', '2026-11-30T03:15', '2026-12-04T03:15']);
    const late = timesBetween(
      { ...berlin('00:30', ['monday']), timeZone: 'Pacific/Auckland' },
      utc('2026-11-28T00:00'),
      utc('2026-11-30T00:00'),
    );
    expect(shown(late)).toEqual(['2026-11-29T11:30']);
  });

  it('are those behind the first instant up to the second', () => {
    const [from, to] = [utc('2026-11-27T03:15'), utc('2026-11-28T03:15')];
    expect(timesBetween(berlin('04:15'), from, to)).toEqual([to]);
    expect(timesBetween(berlin('04:15'), to, from)).toEqual([]);
  });

  it('go with the clocks through a month of nights', () => {
    const nights = timesBetween(berlin('04:15'), utc('2027-03-15T00:00'), utc('2027-04-15T00:00'));
    expect(nights).toHaveLength(31);
    expect(new Set(nights.map((night) => inZone(night, 'Europe/Berlin').slice(11)))).toEqual(
      new Set(['04:15 Europe/Berlin']),
    );
    expect(shown(nights)).toContain('2027-03-27T03:15');
    expect(shown(nights)).toContain('2027-03-28T02:15');
  });

  const year = (at: string, timeZone: string): string[] => {
    const calendar = { at, days: DAYS, timeZone };
    return clockChanges(calendar, utc('2027-01-01T00:00'), utc('2027-12-31T00:00')).map((change) =>
      describeClockChange(calendar, change),
    );
  };

  it.each([
    [
      ...['02:30', 'Europe/Berlin'],
      [
        '02:30 does not exist in Europe/Berlin on 2027-03-28: nothing runs then',
        '02:30 comes twice in Europe/Berlin on 2027-10-31: it runs once, at 01:30 UTC',
      ],
    ],
    [
      ...['01:30', 'America/New_York'],
      ['01:30 comes twice in America/New_York on 2027-11-07: it runs twice, at 05:30 UTC and 06:30 UTC'],
    ],
    [
      ...['01:30', 'Europe/Berlin'],
      [
        '01:30 is beside a change of the clocks in Europe/Berlin on 2027-10-31: it runs twice, at 23:30 UTC and 00:30 UTC',
      ],
    ],
    ['03:00', 'Europe/Berlin', []],
    ['02:00', 'UTC', []],
    [
      '02:15',
      'Australia/Lord_Howe',
      ['02:15 does not exist in Australia/Lord_Howe on 2027-10-03: it runs once, at 15:45 UTC'],
    ],
  ] as [string, string, string[]][])('at %s in %s: %j', (at, timeZone, expected) => {
    expect(year(at, timeZone)).toEqual(expected);
  });

  it.each(['Europe/Berlin', 'UTC', 'America/Argentina/Buenos_Aires', 'Asia/Kolkata', 'Etc/GMT+5'])(
    '%s is a zone',
    (name) => {
      expect(isTimeZone(name)).toBe(true);
    },
  );
  it.each(['europe/berlin', 'Utc', 'Mars/Base', '+01:00', 'Berlin'])('%s is none', (name) => {
    expect(isTimeZone(name)).toBe(false);
  });
});

describe('a fleet file with a schedule', () => {
  const parse = (fields: string, now?: number) =>
    parseFleet(
      `version: 1\nname: x\nmembers:\n  a: { address: 10.0.0.1 }\nidentity:\n  recipients: [age1${'q'.repeat(58)}]\nschedules:\n  nightly:\n    runbook: identity-backup\n${fields}`,
      'runbook.yaml',
      now,
    );
  const AT_NIGHT = '    at: 02:30\n    timeZone: Europe/Berlin\n';

  it('is warned of what the clocks will do within a year, at its place', () => {
    const parsed = parse(AT_NIGHT, utc('2026-11-27T00:00'));
    expect(parsed).toMatchObject({
      type: 'fleet',
      warnings: [
        { line: 10, column: 9, message: expect.stringContaining('on 2027-03-28: nothing runs then') },
        { line: 10, column: 9, message: expect.stringContaining('on 2027-10-31: it runs once, at 01:30 UTC') },
      ],
    });
    expect(parse(AT_NIGHT)).toMatchObject({ type: 'fleet', warnings: [] });
    expect(parse(`${AT_NIGHT}    days: [monday]\n`, utc('2026-11-27T00:00'))).toMatchObject({ warnings: [] });
  });

  it('has its days in their order, once each', () => {
    const parsed = parse(`${AT_NIGHT}    days: [sunday, monday, sunday]\n`);
    expect(parsed).toMatchObject({
      fleet: { schedules: { nightly: { days: ['monday', 'sunday'], overlap: 'skip' } } },
    });
  });
});
