import pLimit from 'p-limit';
import { MOST_ROW_BYTES } from '../tuning.ts';

/**
 * What the lanes that are read for one page share: the requests to Lytics at once, and the bytes that a page may
 * hold. The size of a Lytics page is known only when it has arrived; until then, it counts as the heaviest so far.
 */
export class RowBudget {
  readonly #slots: ReturnType<typeof pLimit>;
  #heaviest: number;
  #read = 0;
  #spent = 0;
  #reserved = 0;

  /**
   * @param atOnce Requests to Lytics at once.
   * @param heaviest Bytes of the heaviest Lytics page of the previous page; 0 while unknown.
   */
  constructor(atOnce: number, heaviest: number) {
    this.#slots = pLimit(atOnce);
    this.#heaviest = heaviest;
  }

  /** Reserves room for one more Lytics page, which {@link spend} settles. The first one always fits. */
  reserve(): boolean {
    const isFirst = this.#spent === 0 && this.#reserved === 0;
    if (!isFirst && (this.#heaviest === 0 || this.#expected + this.#heaviest > MOST_ROW_BYTES)) return false;
    this.#reserved++;
    return true;
  }

  /** Runs a request when fewer than `atOnce` others are in flight, first come first served. */
  turn<T>(request: () => Promise<T>): Promise<T> {
    return this.#slots(request);
  }

  spend(bytes: number): void {
    this.#reserved--;
    this.#spent += bytes;
    this.#heaviest = Math.max(this.#heaviest, bytes);
    this.#read = Math.max(this.#read, bytes);
  }

  /** Bytes of the heaviest Lytics page that was read, or expected when none was. */
  get heaviest(): number {
    return this.#read > 0 ? this.#read : this.#heaviest;
  }

  get #expected(): number {
    return this.#spent + this.#reserved * this.#heaviest;
  }
}
