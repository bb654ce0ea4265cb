const NEWLINE = 10;

/**
 * Takes lines `NONCE WORD` out of a stream of bytes. Our shell wrappers report by them on standard error what an exit
 * code alone cannot tell: that the command began, could not be started, or ended by itself.
 * A mark may follow an unfinished line of the command, and may arrive in pieces.
 */
export class MarkerFilter {
  readonly #nonce: Buffer;
  readonly #onMark: (mark: string) => void;
  #pending: Buffer = Buffer.alloc(0);

  constructor(nonce: string, onMark: (mark: string) => void) {
    this.#nonce = Buffer.from(nonce);
    this.#onMark = onMark;
  }

  /** What of the stream is the command's own and complete so far. */
  push(chunk: Buffer): Buffer {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    const own: Buffer[] = [];
    for (;;) {
      const start = this.#pending.indexOf(this.#nonce);
      const end = start === -1 ? -1 : this.#pending.indexOf(NEWLINE, start);
      const ownBytes = start === -1 ? this.#pending.length - this.#possibleStart() : start;
      own.push(this.#pending.subarray(0, ownBytes));
      if (end === -1) {
        this.#pending = this.#pending.subarray(ownBytes);
        return Buffer.concat(own);
      }
      this.#onMark(this.#pending.toString('utf8', start + this.#nonce.length, end).trim());
      this.#pending = this.#pending.subarray(end + 1);
    }
  }

  /** What was held back and turned out to be no mark. */
  end(): Buffer {
    const rest = this.#pending;
    this.#pending = Buffer.alloc(0);
    return rest;
  }

  /** Length of the longest end of what is pending that could be the start of a nonce. */
  #possibleStart(): number {
    for (let length = Math.min(this.#nonce.length - 1, this.#pending.length); length > 0; length--)
      if (this.#pending.subarray(this.#pending.length - length).equals(this.#nonce.subarray(0, length))) return length;
    return 0;
  }
}
