import type { ServiceError } from '../errors.ts';

/** Records in a row without an answer: the service is at fault, not they. */
const OUTAGE = 20;
/** After so many attempts a record that alone gets no answer is given up, if others get theirs. */
const ATTEMPTS_PER_RECORD = 5;
/** One answer may be luck where the service answers now and then: a good record has to pass this often. */
const CANARY_CALLS = 5;

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
    if (++this.#inARow >= OUTAGE) throw error;
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
