/** What CHANGELOG.md says that a person has to do after an upgrade. */

export interface Release {
  /** `0.2.0`, or `Unreleased`: newer than any. */
  version: string;
  /** `2026-11-28`. */
  date?: string;
  /** One item each, without the line breaks of the file. */
  upgrading: string[];
}

const VERSION = /^(\d+)\.(\d+)\.(\d+)$/;
const UNRELEASED = 'Unreleased';

export const isVersion = (text: string): boolean => VERSION.test(text);

/** Releases in the order of the file, newest first. */
export function parseChangelog(text: string): Release[] {
  return sectionsOf(text, '## ').flatMap(({ title, body }) => {
    const [, version = '', date] = /^\[([^\]]+)\](?: - (\d{4}-\d\d-\d\d))?/.exec(title) ?? [];
    if (version !== UNRELEASED && !isVersion(version)) return [];
    const upgrading = sectionsOf(body, '### ').filter((section) => section.title === 'Upgrading');
    return [
      { version, ...(date !== undefined && { date }), upgrading: upgrading.flatMap(({ body }) => itemsOf(body)) },
    ];
  });
}

/** The releases that came after version `from`, newest first. */
export const releasesAfter = (releases: readonly Release[], from: string): Release[] =>
  releases.filter(({ version }) => version === UNRELEASED || compareVersions(version, from) > 0);

/** Negative where `a` is older than `b`. Both are versions. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number));
  const differences = (left ?? []).map((part, index) => part - (right?.[index] ?? 0));
  return differences.find((difference) => difference !== 0) ?? 0;
}

function sectionsOf(text: string, mark: string): { title: string; body: string }[] {
  const [, ...parts] = `\n${text}`.split(`\n${mark}`);
  return parts.map((part) => {
    const [title = '', ...lines] = part.split('\n');
    return { title: title.trim(), body: lines.join('\n') };
  });
}

/** Items of a list; a line that is indented goes on with the item above. */
function itemsOf(body: string): string[] {
  const [, ...items] = `\n${body}`.split(/\n- /);
  return items.map((item) =>
    item
      .trim()
      .split(/\s*\n\s*/)
      .join(' '),
  );
}
