import { type Decision, ServiceError } from '../errors.ts';
import { isLasting } from '../http.ts';

/** What a caller may handle by itself. */
export type LyticsReason = 'not_found' | 'refused' | 'no_answer' | 'configuration';

/** Lytics rejected a call, or gave no usable answer. */
export class LyticsError extends ServiceError {
  override readonly name = 'LyticsError';
  /** Lytics rejected the request: the audience, cursor or query. */
  readonly isRefused: boolean;

  constructor(message: string, decision: Decision & { reason: LyticsReason }) {
    super('Lytics', message, decision);
    this.isRefused = decision.reason === 'not_found' || decision.reason === 'refused';
  }
}

export const unanswered = (message: string) =>
  new LyticsError(message, { retry: 'now', scope: 'job', reason: 'no_answer' });

export const unreachable = (message: string) =>
  new LyticsError(message, { retry: 'briefly', scope: 'job', reason: 'no_answer' });

export const misconfigured = (message: string) =>
  new LyticsError(message, { retry: 'never', scope: 'job', reason: 'configuration' });

/**
 * Decides what an HTTP status means.
 *
 * @param isJson Whether Lytics itself answered; HTML comes from a proxy or gateway.
 * @param setting The name of the authorization, for the advice.
 */
export function refusal(what: string, status: number, isJson: boolean, name: string): LyticsError {
  if (status === 401) {
    return misconfigured(`${what}: the token is wrong or has expired; correct ${name}.token`);
  }
  if (status === 403) return misconfigured(`${what}: give the token of ${name} the permission for this`);
  if (!isLasting(status)) return unanswered(what);
  if (!isJson || status >= 500) {
    const fix = `check ${name}.base_url and any proxy`;
    return unreachable(`${what}; ${fix}`);
  }
  const reason = status === 404 ? 'not_found' : 'refused';
  return new LyticsError(what, { retry: 'never', scope: 'record', reason });
}
