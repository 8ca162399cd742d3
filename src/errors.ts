import type { Service } from './names.ts';

/**
 * When a failed call can succeed:
 * - `now`: the error is known to pass; back off and send again
 * - `later`: not before `retryAfterMs`
 * - `briefly`: it may pass, but a person has to act if it does not within a minute
 * - `never`: the same call always fails
 */
export type Retry = 'now' | 'later' | 'briefly' | 'never';

/** Whether the error concerns one record or the whole job. */
export type Scope = 'record' | 'job';

/** What a caller does about a failed call. Decided once, where the reply is read. */
export interface Decision {
  retry: Retry;
  scope: Scope;
  /** A short name for counting: `unknown_uid`, `no_answer`, or the service's own code. */
  reason: string;
  retryAfterMs?: number | undefined;
}

/** A reply as the service gave it. */
export interface Answer {
  code: string;
  /** May quote a user's data. */
  text: string;
}

/** A call to Lytics or Gigya failed. The message says what to change, and contains no secret and no user's data. */
export class ServiceError extends Error implements Decision {
  readonly service: Service;
  readonly retry: Retry;
  readonly scope: Scope;
  readonly reason: string;
  readonly retryAfterMs: number | undefined;
  /** Gigya's handle for the call, which SAP support asks for. */
  readonly callId: string | undefined;
  /** The service's own code where there is one, else the reason. */
  readonly code: string;
  // Private, so that no log that prints an error contains it.
  readonly #answer: string | undefined;

  constructor(
    service: Service,
    message: string,
    { retry, scope, reason, retryAfterMs }: Decision,
    callId?: string,
    answer?: Answer,
  ) {
    super(message);
    this.service = service;
    this.retry = retry;
    this.scope = scope;
    this.reason = reason;
    this.retryAfterMs = retryAfterMs;
    this.callId = callId;
    this.code = answer?.code ?? reason;
    this.#answer = answer?.text;
  }

  /** What the service said, for sealed rows only: it may quote a user's data. */
  get answer(): string {
    return this.#answer ?? this.message;
  }
}

/** Whether the error concerns one record, and the same call always fails. */
export function isRecordFault(error: unknown): error is ServiceError & { readonly scope: 'record' } {
  return error instanceof ServiceError && error.retry === 'never' && error.scope === 'record';
}
