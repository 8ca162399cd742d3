import type { ServiceError } from '../errors.ts';
import { ATTEMPTS_PER_RECORD, CANARY_CALLS, OUTAGE_RECORDS } from '../tuning.ts';

/** Tells a bad record from a bad service, for records that get no answer. */
export class Unanswered<T> {
  readonly #records: { record: T; error: ServiceError }[] = [];
  #inARow = 0;

  has(record: T): boolean {
    return this.#records.some((one) => one.record === record);
  }

  answered(): void {
    this.#inARow = 0;
  }

  /** Leaves a record for later. @throws the error when it is an outage. */
  add(record: T, error: ServiceError): void {
    this.#records.push({ record, error });
    if (++this.#inARow >= OUTAGE_RECORDS) throw error;
  }

  /**
   * Records without an answer are left to the next attempt. After a few of those, when a record that was
   * written before can still be written, the fault is in the records.
   *
   * @param probe Writes or reads a record that was written before; undefined when there is none.
   * @returns The records to give up. @throws when the next attempt should try them again.
   */
  async giveUp(
    attempt: number,
    probe: (() => Promise<void>) | undefined,
  ): Promise<readonly { record: T; error: ServiceError }[]> {
    const [first] = this.#records;
    if (!first) return [];
    if (attempt < ATTEMPTS_PER_RECORD || !probe) throw first.error;
    for (let call = 0; call < CANARY_CALLS; call++) await probe();
    return this.#records;
  }
}
