import type { Entry, Item, Yaml } from './model.ts';
import { RawText, YamlList, YamlMap } from './model.ts';
import type { Random } from './random.ts';

export interface Span {
  line: number;
  column: number;
  endColumn: number;
}

export interface Written {
  text: string;
  keys: ReadonlyMap<Entry, Span>;
  values: ReadonlyMap<Entry | Item, Span>;
}

const COMMENTS = ['# here', '# größer 日本 🙂', '#', '# a: b', '# "quoted" { [', '#\ttab'];
/** Texts that stay text without quotes, in block and in flow style. */
const PLAIN = /^[A-Za-z/~][A-Za-z0-9_./~-]*$/;
const WORDS = /^(?:true|false|null|~|yes|no|on|off|y|n)$/i;

/**
 * Writes the file in a layout of chance (indentation, block and flow style, quotes, comments, blank lines, line ends)
 * and notes where each key and value went. It shares no code with the parser under test.
 */
export const write = (root: YamlMap, random: Random): Written => {
  const writer = new Writer(random);
  writer.document(root);
  return writer;
};

class Writer implements Written {
  text = '';
  readonly keys = new Map<Entry, Span>();
  readonly values = new Map<Entry | Item, Span>();
  readonly #random: Random;
  readonly #newline: string;
  readonly #step: number;
  #line = 1;
  #column = 1;

  constructor(random: Random) {
    this.#random = random;
    this.#newline = random.chance(0.15) ? '\r\n' : '\n';
    this.#step = random.pick([2, 2, 3, 4]);
  }

  document(root: YamlMap): void {
    if (this.#random.chance(0.3)) this.#noise(0);
    if (this.#random.chance(0.2)) {
      this.#emit('---');
      this.#endLine();
    }
    this.#blockMap(root, 0, false);
    if (this.#random.chance(0.1)) this.#noise(0);
  }

  #emit(text: string): void {
    this.text += text;
    this.#column += text.length;
  }

  #endLine(): void {
    if (this.#random.chance(0.1)) this.#emit(` ${this.#random.pick(COMMENTS)}`);
    else if (this.#random.chance(0.05)) this.#emit('  ');
    this.text += this.#newline;
    this.#line += 1;
    this.#column = 1;
  }

  #noise(indent: number): void {
    if (this.#random.chance(0.5)) this.#emit(' '.repeat(indent) + this.#random.pick(COMMENTS));
    this.text += this.#newline;
    this.#line += 1;
    this.#column = 1;
  }

  #span(text: string): Span {
    return { line: this.#line, column: this.#column, endColumn: this.#column + text.length };
  }

  #key(entry: Entry): void {
    const text = !PLAIN.test(entry.key) || this.#random.chance(0.05) ? JSON.stringify(entry.key) : entry.key;
    this.keys.set(entry, this.#span(text));
    this.#emit(`${text}:`);
  }

  /** `isAtStart`: the first entry goes on the line that was begun, behind a dash. */
  #blockMap(map: YamlMap, indent: number, isAtStart: boolean): void {
    map.entries.forEach((entry, index) => {
      if (index > 0 || !isAtStart) {
        if (this.#random.chance(0.06)) this.#noise(indent);
        this.#emit(' '.repeat(indent));
      }
      this.#key(entry);
      this.#value(entry, indent);
    });
  }

  #value(holder: Entry | Item, indent: number): void {
    const { value } = holder;
    const isInFlow = this.#random.chance(0.25);
    if (value instanceof YamlMap && value.entries.length > 0 && !isInFlow) {
      this.#endLine();
      this.values.set(holder, { line: this.#line, column: indent + this.#step + 1, endColumn: 0 });
      this.#blockMap(value, indent + this.#step, false);
    } else if (value instanceof YamlList && value.items.length > 0 && !isInFlow) {
      this.#endLine();
      const inner = indent + this.#random.pick([0, this.#step]);
      this.values.set(holder, { line: this.#line, column: inner + 1, endColumn: 0 });
      this.#blockList(value, inner);
    } else {
      this.#emit(' '.repeat(this.#random.pick([1, 1, 1, 2])));
      this.#inline(holder, isInFlow);
      this.#endLine();
    }
  }

  #blockList(list: YamlList, indent: number): void {
    for (const item of list.items) {
      this.#emit(`${' '.repeat(indent)}- `);
      if (item.value instanceof YamlMap && item.value.entries.length > 0 && this.#random.chance(0.7)) {
        this.values.set(item, this.#span(''));
        this.#blockMap(item.value, indent + 2, true);
      } else {
        this.#inline(item, true);
        this.#endLine();
      }
    }
  }

  #inline(holder: Entry | Item, isInFlow: boolean): void {
    const { value } = holder;
    if (value instanceof YamlMap || value instanceof YamlList) {
      this.values.set(holder, this.#span(''));
      this.#flow(value);
      return;
    }
    const text = this.#scalar(value, isInFlow);
    this.values.set(holder, this.#span(text));
    this.#emit(text);
  }

  #flow(value: YamlMap | YamlList): void {
    const space = this.#random.pick(['', ' ']);
    if (value instanceof YamlMap) {
      this.#emit(`{${space}`);
      value.entries.forEach((entry, index) => {
        if (index > 0) this.#emit(', ');
        this.#key(entry);
        this.#emit(' ');
        this.#inline(entry, true);
      });
      this.#emit(`${space}}`);
      return;
    }
    this.#emit(`[${space}`);
    value.items.forEach((item, index) => {
      if (index > 0) this.#emit(', ');
      this.#inline(item, true);
    });
    this.#emit(`${space}]`);
  }

  #scalar(value: Exclude<Yaml, YamlMap | YamlList>, isInFlow: boolean): string {
    if (value instanceof RawText) return value.text;
    if (typeof value !== 'string') return value === null ? (isInFlow ? 'null' : '~') : String(value);
    if (PLAIN.test(value) && !WORDS.test(value) && !this.#random.chance(0.15)) return value;
    return this.#random.chance(0.5) && /^[^'\p{Cc}]*$/u.test(value) ? `'${value}'` : JSON.stringify(value);
  }
}
