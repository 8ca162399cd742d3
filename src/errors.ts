/**
 * When a failed call can succeed:
 * - `now`: the fault is known to pass; back off and send again
 * - `later`: not before `retryAfterMs`
 * - `briefly`: it may pass, but a person has to act if it does not within a minute
 * - `never`: the same call always fails
 */
export type Retry = 'now' | 'later' | 'briefly' | 'never';

/** Whether one record is at fault, or everything that the job does. */
export type Scope = 'record' | 'job';

/** What a caller does about a failed call. Made once, where the reply is read. */
export interface Decision {
  retry: Retry;
  scope: Scope;
  /** A short name for tallies: `unknown_uid`, `no_answer`, or the service's own code. */
  reason: string;
  retryAfterMs?: number | undefined;
}

/** A call to Lytics or Gigya failed. The message says what to change, and contains no secret and no user's data. */
export class ServiceError extends Error implements Decision {
  readonly service: 'Gigya' | 'Lytics';
  readonly retry: Retry;
  readonly scope: Scope;
  readonly reason: string;
  readonly retryAfterMs: number | undefined;
  /** Gigya's handle for the call, which SAP support asks for. */
  readonly callId: string | undefined;

  constructor(
    service: 'Gigya' | 'Lytics',
    message: string,
    { retry, scope, reason, retryAfterMs }: Decision,
    callId?: string,
  ) {
    super(message);
    this.service = service;
    this.retry = retry;
    this.scope = scope;
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
    this.callId = callId;
  }
}

/** Whether a record is at fault, and the same call always fails. */
export function isRecordFault(error: unknown): error is ServiceError & { readonly scope: 'record' } {
  return error instanceof ServiceError && error.retry === 'never' && error.scope === 'record';
}
