/**
 * What a caller does about a failed call. Read off the reply once, in the client:
 * - `transient`: back off and send again
 * - `configuration`: nothing will work until a person changes something
 * - `not_found`: there is no such audience (or cursor)
 * - `refused`: Lytics does not take this request as it is
 */
export type LyticsErrorKind = 'transient' | 'configuration' | 'not_found' | 'refused';

/** Lytics refused a call, or gave no usable answer. The message holds no user's data and no secret. */
export class LyticsError extends Error {
  override readonly name = 'LyticsError';
  readonly kind: LyticsErrorKind;
  /** The HTTP status, or the one in the reply; undefined when there was no answer. */
  readonly status: number | undefined;

  constructor(message: string, kind: LyticsErrorKind, status?: number) {
    super(message);
    this.kind = kind;
    this.status = status;
  }
}
