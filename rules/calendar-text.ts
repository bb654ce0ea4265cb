/** Times of day at which something runs, as far as a text says so. */
export interface Times {
  times: string[];
  /** What the text itself names. */
  timeZone?: string;
}

const clock = (hour: string, minute: string): string => `${hour.padStart(2, '0')}:${minute.padStart(2, '0')}`;
const SHORT: Readonly<Record<string, string>> = {
  daily: '00:00',
  weekly: '00:00',
  monthly: '00:00',
  midnight: '00:00',
};

/** Of `OnCalendar`: `*-*-* 02:30:00 Europe/Berlin`, `Mon..Fri 02:30`, `daily`. Undefined: every hour, or not understood. */
export function calendarTimes(text: string): Times | undefined {
  const words = text.trim().split(/\s+/);
  const zone = words.find(
    (word) => /^[A-Z][A-Za-z]+(?:\/[A-Za-z_+-]+)*$/.test(word) && (word.includes('/') || word === 'UTC'),
  );
  const short = words.map((word) => SHORT[word.toLowerCase()]).find((time) => time !== undefined);
  const time = words.map((word) => /^([\d,]+):([\d,]+)(?::\d+(?:\.\d+)?)?$/.exec(word)).find((found) => found !== null);
  const [, hours = '', minutes = ''] = time ?? [];
  const times = short === undefined ? lists(hours, minutes) : [short];
  return times.length === 0 ? undefined : { times, ...(zone === undefined ? {} : { timeZone: zone }) };
}

/** Of cron, as `snapshots.schedule` has it: `30 2 * * *`, `@daily`. Several are divided by commas. */
export function cronTimes(text: string): Times | undefined {
  const aliases: Readonly<Record<string, string>> = {
    '@daily': '00:00',
    '@midnight': '00:00',
    '@weekly': '00:00',
    '@monthly': '00:00',
  };
  const times = text.split(/,\s+/).flatMap((each) => {
    const trimmed = each.trim();
    const alias = aliases[trimmed];
    if (alias !== undefined) return [alias];
    const [minutes = '', hours = ''] = trimmed.split(/\s+/);
    return /^[\d,]+$/.test(minutes) && /^[\d,]+$/.test(hours) ? lists(hours, minutes) : [];
  });
  return times.length === 0 ? undefined : { times };
}

const lists = (hours: string, minutes: string): string[] =>
  hours
    .split(',')
    .filter((hour) => hour !== '' && Number(hour) < 24)
    .flatMap((hour) =>
      minutes
        .split(',')
        .filter((minute) => minute !== '' && Number(minute) < 60)
        .map((minute) => clock(hour, minute)),
    );
