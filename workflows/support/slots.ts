import { condition } from '@temporalio/workflow';

/** Lets only so many parts of a run use one thing at once; who needs several gets them all or none. */
export class Slots {
  readonly #limit: number;
  readonly #used = new Map<string, number>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Waits until each of them has a free slot. */
  async with<T>(names: readonly string[], work: () => Promise<T>): Promise<T> {
    const distinct = [...new Set(names)];
    const isFree = (): boolean => distinct.every((name) => this.#count(name) < this.#limit);
    // Others that waited for the same may have gone on first.
    while (!isFree()) await condition(isFree);
    this.#add(distinct, 1);
    try {
      return await work();
    } finally {
      this.#add(distinct, -1);
    }
  }

  #count(name: string): number {
    return this.#used.get(name) ?? 0;
  }

  #add(names: readonly string[], by: number): void {
    for (const name of names) this.#used.set(name, this.#count(name) + by);
  }
}
