const DAY = /^\d{4}-\d{2}-\d{2}$/;
const TIME = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})(:\d{2})?(\.\d{3})?(Z|[+-]\d{2}:\d{2})?$/;

/**
 * The last instant of a day, a minute or a second as people write it, in UTC where they name no zone: ISO 8601. Undefined
 * where it is none of them.
 */
export function endOfMoment(text: string): string | undefined {
  if (DAY.test(text)) return isoOf(`${text}T23:59:59.999Z`, text);
  const [, day = '', minute = '', seconds = ':59', fraction = '.999', zone = 'Z'] = TIME.exec(text) ?? [];
  return day === '' ? undefined : isoOf(`${day}T${minute}${seconds}${fraction}${zone}`, day);
}

/** JavaScript takes the 31st of February for a day of March. */
function isoOf(text: string, day: string): string | undefined {
  const midnight = new Date(`${day}T00:00:00Z`);
  const isDay = !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(day);
  const at = Date.parse(text);
  return isDay && !Number.isNaN(at) ? new Date(at).toISOString() : undefined;
}
