import { ApplicationFailure } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { z } from 'zod';
import { BUSY } from './names.ts';

/**
 * Of the input of `updateGigya`: the jobs of one set of authorizations share a rate limit. Other activities are
 * short, and a retry of a scan counts as one that may have skipped rows.
 */
const inputSchema = z.looseObject({
  page: z.string(),
  plan: z.looseObject({ job: z.looseObject({ auth_ids: z.array(z.string()) }) }),
});

/**
 * Keeps slots free for other authorizations: the pages of one may use half of them. A page beyond that would only
 * wait for its rate limit; it is retried, perhaps on a worker with more room.
 */
export function createFairShare(slots: number): ActivityInterceptorsFactory {
  const share = Math.ceil(slots / 2);
  const used = new Map<string, number>();
  return () => ({
    inbound: {
      async execute(input, next) {
        const read = inputSchema.safeParse(input.args[0]);
        if (!read.success) return next(input);
        const key = read.data.plan.job.auth_ids.toSorted().join(' ');
        const inUse = used.get(key) ?? 0;
        if (inUse >= share) throw busy(key, share);
        used.set(key, inUse + 1);
        try {
          return await next(input);
        } finally {
          used.set(key, (used.get(key) ?? 1) - 1);
        }
      },
    },
  });
}

function busy(key: string, share: number): ApplicationFailure {
  return ApplicationFailure.create({
    type: BUSY,
    message: `This worker is at its limit of ${share} pages for "${key}"; retried in 5 s`,
    nextRetryDelay: '5 s',
    category: 'BENIGN',
  });
}
