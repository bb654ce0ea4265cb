/**
 * A dataset's name as ZFS may have it, blanks included; whether it takes the characters is ZFS's to say.
 * @throws {TypeError} where it would be taken for something else: an option, a snapshot, two words of a table.
 */
export function datasetName(name: string): string {
  return checked(name, /^[^-/@#,%\s][^@#,%\t\n\r\0]*$/, 'dataset');
}

/** What stands after `@` or `#`. @throws {TypeError} as {@link datasetName}; a comma would make two of it. */
export function shortName(name: string): string {
  return checked(name, /^[^/@#,%\t\n\r\0]+$/, 'snapshot or bookmark');
}

/** @throws {TypeError} where it is no tag of a hold. */
export function holdTag(tag: string): string {
  return checked(tag, /^[A-Za-z0-9][A-Za-z0-9:_.-]*$/, 'hold');
}

function checked(name: string, form: RegExp, what: string): string {
  if (form.test(name)) return name;
  throw new TypeError(`Expected the name of a ZFS ${what}, got ${JSON.stringify(name)}.`);
}
