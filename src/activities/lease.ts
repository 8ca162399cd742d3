import type { Context } from '@temporalio/activity';
import {
  ActivityCancelledError,
  ActivityNotFoundError,
  ActivityPausedError,
  ActivityResetError,
} from '@temporalio/client';
import { IDLE_HEARTBEAT_MS, LEASE_MARGIN_MS, SDK_HEARTBEAT_MS, SERVER_PATIENCE_MS } from '../tuning.ts';

/** Errors by which the server confirms that the attempt is still current. */
const ANSWERS = [ActivityCancelledError, ActivityPausedError, ActivityResetError];

/**
 * An attempt's heartbeats, and how long it may assume that its work has not been given to another attempt. The SDK does
 * not report whether its heartbeats arrive, so the lease sends them itself and waits for the answers. It ends when the
 * server has given the work to another attempt, or may have: after this process was frozen, or while the server cannot
 * be reached.
 */
export interface Lease {
  /** Sends a heartbeat; if it is answered, the lease lasts from the time of sending. @throws {ActivityNotFoundError} when the server has given the work to another attempt. */
  renew(): Promise<void>;
  /** Sends a heartbeat when there is progress to report, or when the lease needs it. Call it about every second. @throws as {@link renew}. */
  beat(): Promise<void>;
  /** Whether it was renewed once. */
  readonly hasBegun: boolean;
  hasEnded(): boolean;
}

/** @param details What the next attempt continues from. */
export function createLease(context: Context, details: () => unknown): Lease {
  const { taskToken, heartbeatTimeoutMs } = context.info;
  const client = clientOf(context);
  const lasts = heartbeatTimeoutMs ? heartbeatTimeoutMs - LEASE_MARGIN_MS : Number.POSITIVE_INFINITY;
  let renewedAt: Moment | undefined;
  let sentBySdkAt = now();
  let reported: string | undefined;

  async function send(progress: unknown): Promise<boolean> {
    if (!client || !heartbeatTimeoutMs) {
      context.heartbeat(progress);
      return true;
    }
    try {
      const deadline = Date.now() + SERVER_PATIENCE_MS;
      await client.withDeadline(deadline, () => client.activity.heartbeat(taskToken, progress));
      return true;
    } catch (error) {
      if (error instanceof ActivityNotFoundError) throw error;
      if (!ANSWERS.some((answer) => error instanceof answer)) return false;
      // The SDK delivers a cancellation only in reply to a heartbeat of its own.
      context.heartbeat(progress);
      return true;
    }
  }

  async function renew(): Promise<void> {
    // The server counts from the time of sending or later.
    const sentAt = now();
    const progress = details();
    if (!(await send(progress))) return;
    renewedAt = sentAt;
    reported = JSON.stringify(progress);
  }

  return {
    renew,
    async beat() {
      const progress = details();
      const isNew = JSON.stringify(progress) !== reported;
      const isDue = renewedAt === undefined || since(renewedAt) >= IDLE_HEARTBEAT_MS;
      if (!isNew && !isDue) return;
      if (since(sentBySdkAt) < SDK_HEARTBEAT_MS) return renew();
      sentBySdkAt = now();
      context.heartbeat(progress);
    },
    get hasBegun() {
      return renewedAt !== undefined;
    },
    hasEnded: () => renewedAt !== undefined && since(renewedAt) > lasts,
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
