/** A YAML file as data with identity: the same key may occur twice, and each entry knows where it was written. */
export type Yaml = string | number | boolean | null | RawText | YamlMap | YamlList;
/** Written as it is: for text that no scalar may have. */
export class RawText {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}
export class YamlMap {
  readonly entries: Entry[] = [];

  /** Replaces the value, or adds the key at the end. */
  set(key: string, value: Yaml): Entry {
    const existing = this.entries.find((entry) => entry.key === key);
    if (!existing) return this.add(key, value);
    existing.value = value;
    return existing;
  }

  add(key: string, value: Yaml): Entry {
    const entry = { key, value };
    this.entries.push(entry);
    return entry;
  }

  entry(key: string): Entry {
    const found = this.entries.find((entry) => entry.key === key);
    if (!found) throw new RangeError(`No ${key}`);
    return found;
  }

  map(key: string): YamlMap {
    const existing = this.entries.find((entry) => entry.key === key)?.value;
    if (existing instanceof YamlMap) return existing;
    const created = new YamlMap();
    this.set(key, created);
    return created;
  }

  remove(key: string): void {
    const index = this.entries.findIndex((entry) => entry.key === key);
    if (index !== -1) this.entries.splice(index, 1);
  }

  get keys(): string[] {
    return this.entries.map(({ key }) => key);
  }
}
export class YamlList {
  readonly items: Item[];
  constructor(values: readonly Yaml[]) {
    this.items = values.map((value) => ({ value }));
  }
  add(value: Yaml): Item {
    const item = { value };
    this.items.push(item);
    return item;
  }
}
export interface Entry {
  key: string;
  value: Yaml;
}
export interface Item {
  value: Yaml;
}

export const mapOf = (fields: Readonly<Record<string, Yaml>>): YamlMap => {
  const map = new YamlMap();
  for (const [key, value] of Object.entries(fields)) map.add(key, value);
  return map;
};
