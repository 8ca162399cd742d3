import type { Context } from '@temporalio/activity';
import {
  ActivityCancelledError,
  ActivityNotFoundError,
  ActivityPausedError,
  ActivityResetError,
} from '@temporalio/client';
import { LEASE_MARGIN_MS, SERVER_PATIENCE_MS } from '../tuning.ts';

/** Errors by which the server confirms that the attempt is still current. */
const ANSWERS = [ActivityCancelledError, ActivityPausedError, ActivityResetError];

/**
 * How long an attempt may assume that its work has not been given to another attempt. The SDK does not report whether its
 * heartbeats arrive, so the lease sends its own and waits for the answers. It ends when the server has given the work to
 * another attempt, or may have: after this process was frozen, or while the server cannot be reached.
 */
export interface Lease {
  /** Sends a heartbeat; if it is answered, the lease lasts from the time of sending. @throws {ActivityNotFoundError} when the server has given the work to another attempt. */
  renew(): Promise<void>;
  hasEnded(): boolean;
}

/** @param details What the next attempt continues from. */
export function createLease(context: Context, details: () => unknown): Lease {
  const { taskToken, heartbeatTimeoutMs } = context.info;
  const client = clientOf(context);
  const lasts = heartbeatTimeoutMs ? heartbeatTimeoutMs - LEASE_MARGIN_MS : Number.POSITIVE_INFINITY;
  let renewedAt: Moment | undefined;

  async function send(): Promise<boolean> {
    if (!client || !heartbeatTimeoutMs) return true;
    try {
      const deadline = Date.now() + SERVER_PATIENCE_MS;
      await client.withDeadline(deadline, () => client.activity.heartbeat(taskToken, details()));
      return true;
    } catch (error) {
      if (error instanceof ActivityNotFoundError) throw error;
      return ANSWERS.some((answer) => error instanceof answer);
    }
  }

  return {
    async renew() {
      // The server counts from the time of sending or later.
      const sentAt = now();
      if (await send()) renewedAt = sentAt;
    },
    hasEnded: () => renewedAt === undefined || since(renewedAt) > lasts,
  };
}

interface Moment {
  wall: number;
  steady: number;
}

const now = (): Moment => ({ wall: Date.now(), steady: performance.now() });

/** Uses the clock that shows more time: one stops while the machine sleeps, the other may be set back. */
function since({ wall, steady }: Moment): number {
  return Math.max(Date.now() - wall, performance.now() - steady);
}

/** The worker's client; a mocked environment has none. */
function clientOf(context: Context) {
  try {
    return context.client;
  } catch {
    return undefined;
  }
}
