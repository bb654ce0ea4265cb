import type { RejoinObservation } from '../../plan/rejoin.ts';
import { formatAge } from '../../plan/duration.ts';

/** How long it took until the member's guests were healthy, since its host was first seen to answer. */
export class Watch {
  #since: number | undefined;
  #asking = 0;

  async whileLooking(look: () => Promise<RejoinObservation>): Promise<RejoinObservation> {
    const begun = Date.now();
    const seen = await look();
    if (seen.host !== undefined) this.#since ??= begun;
    return seen;
  }

  async whileAsking(ask: () => Promise<void>): Promise<void> {
    const begun = Date.now();
    await ask();
    this.#asking += Date.now() - begun;
  }

  /** `4 min 10 s, of which 1 min went by with the question`; undefined where the host never answered. */
  took(): string | undefined {
    if (this.#since === undefined) return undefined;
    const asked = this.#asking < 1000 ? '' : `, ${formatAge(this.#asking)} of it until somebody said yes`;
    return `${formatAge(Date.now() - this.#since)}${asked}`;
  }
}
