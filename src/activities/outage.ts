import type { ServiceError } from '../errors.ts';
import { ATTEMPTS_PER_RECORD, CANARY_CALLS, OUTAGE_RECORDS } from '../tuning.ts';

/** Distinguishes a bad record from a failing service, for records without an answer. */
export class Unanswered<T> {
  readonly #records: { record: T; error: ServiceError }[] = [];
  #inARow = 0;

  has(record: T): boolean {
    return this.#records.some((one) => one.record === record);
  }

  answered(): void {
    this.#inARow = 0;
  }

  /** Notes an unanswered record. @throws the error after too many in a row: the service is failing. */
  add(record: T, error: ServiceError): void {
    this.#records.push({ record, error });
    if (++this.#inARow >= OUTAGE_RECORDS) throw error;
  }

  /**
   * Unanswered records are left to the next attempt. After several attempts, if a known good record can still be
   * written, the records cause the error.
   *
   * @param probe Writes or reads a known good record; undefined when there is none.
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
