/** Sizes for people. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** `84.2 GiB` */
export function formatBytes(bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  const number = bytes / 1024 ** power;
  return `${power === 0 ? number : number.toFixed(1)} ${UNITS[power] ?? 'B'}`;
}

/** `0.3 GB`, whatever the size: to compare what is there with what is needed. */
export const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

const FACTORS: Record<string, number> = {
  ...Object.fromEntries(['', 'k', 'M', 'G', 'T', 'P', 'E'].map((unit, power) => [`${unit}B`, 1000 ** power])),
  ...Object.fromEntries(['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'].map((unit, power) => [`${unit}B`, 1024 ** (power + 1)])),
};

/** As Incus writes sizes: `20GiB`, `500MB`, `1024`. Undefined for anything else. */
export function sizeInBytes(text: string | undefined): number | undefined {
  const [, number, unit = ''] = /^(\d+) ?([kMGTPE]?B|[KMGTPE]iB)?$/.exec(text ?? '') ?? [];
  const factor = FACTORS[unit === '' ? 'B' : unit];
  return number === undefined || factor === undefined ? undefined : Number(number) * factor;
}
