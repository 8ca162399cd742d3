import type { Failures } from '../counts.ts';
import { RowSet, type SealedRows } from './rowSet.ts';

const MESSAGES = {
  not_in_lytics: 'The row has no membership, nor has the profile that Lytics finds by the ID field, if any',
  imprecise_id: 'The ID is a number beyond 2^53 that lost digits, or text with half a character',
  too_many_ids: 'The row, or the rows of its Lytics page together, have more IDs than one page holds',
  too_large: "The values of the record's mapped fields do not fit in a page",
} as const;

export type UnwritableReason = keyof typeof MESSAGES;

/** Users whose record cannot be written, known before Gigya is asked. */
export class Unwritable {
  readonly #rows = new RowSet();
  readonly #attempts: number;
  readonly #attemptedAt = new Date().toISOString();
  readonly failures: Failures = {};
  /** Failed users; a UID on several rows counts once for each. */
  failed = 0;

  constructor(key: Uint8Array, attempts: number) {
    this.#rows.sealWith(key);
    this.#attempts = attempts;
  }

  /** @param count How many users fail. */
  add(reason: UnwritableReason, identifiers: readonly string[], count = identifiers.length): void {
    if (count === 0) return;
    this.failed += count;
    this.failures[reason] = (this.failures[reason] ?? 0) + count;
    for (const identifier of identifiers) {
      // A result has a limit: the others are only counted.
      if (this.#rows.isFull) return;
      this.#rows.addFailed({
        identifier,
        operation: null,
        status: 'rejected',
        errorCode: reason,
        statusMessage: MESSAGES[reason],
        callId: null,
        attempts: this.#attempts,
        attemptedAt: this.#attemptedAt,
      });
    }
  }

  /** Undefined when there are none. */
  seal(): SealedRows | undefined {
    return this.#rows.seal();
  }
}
