/** Collects bytes up to a cap and leaves out the middle of what is over: errors stand at the end, causes at the start. */
export class CappedOutput {
  readonly #head: Buffer[] = [];
  #headBytes = 0;
  readonly #tail: Buffer[] = [];
  #tailBytes = 0;
  #total = 0;
  readonly #half: number;

  constructor(maxBytes: number) {
    this.#half = Math.max(1, Math.floor(maxBytes / 2));
  }

  push(chunk: Buffer): void {
    this.#total += chunk.length;
    const room = this.#half - this.#headBytes;
    if (room > 0) {
      const first = chunk.subarray(0, room);
      this.#head.push(first);
      this.#headBytes += first.length;
    }
    const rest = room > 0 ? chunk.subarray(room) : chunk;
    if (rest.length === 0) return;
    this.#tail.push(rest);
    this.#tailBytes += rest.length;
    this.#dropOldest();
  }

  get truncated(): boolean {
    return this.#total > this.#headBytes + this.#tailBytes;
  }

  toString(): string {
    const head = Buffer.concat(this.#head);
    const tail = Buffer.concat(this.#tail);
    // Decoded as one where nothing is missing: the border may lie within a character.
    if (!this.truncated) return Buffer.concat([head, tail]).toString('utf8');
    const left = this.#total - head.length - tail.length;
    return `${head.toString('utf8')}\n… ${left} bytes left out …\n${tail.toString('utf8')}`;
  }

  #dropOldest(): void {
    let over = this.#tailBytes - this.#half;
    while (over > 0) {
      const oldest = this.#tail[0];
      if (oldest === undefined) return;
      if (oldest.length <= over) this.#tail.shift();
      else this.#tail[0] = oldest.subarray(over);
      const dropped = Math.min(over, oldest.length);
      this.#tailBytes -= dropped;
      over -= dropped;
    }
  }
}
