import type { Counts } from '../counts.ts';
import type { Metrics } from '../metrics.ts';
import type { Calls } from '../monitor.ts';
import { ALERT_AFTER_SECONDS } from '../tuning.ts';
import { currentAttempt } from './attempt.ts';
import { createCatalogues } from './catalogues.ts';
import type { WrittenPage } from './checkpoint.ts';
import type { Connections } from './connections.ts';
import { createCountCarriers } from './countCarriers.ts';
import { createFetchLeavers } from './fetchLeavers.ts';
import { createFetchMembership } from './fetchMembership.ts';
import { createFetchRows } from './fetchRows.ts';
import { findQuietWindows } from './findQuietWindows.ts';
import { createPreflight, type Plan } from './preflight.ts';
import { createQuestions } from './questions.ts';
import { createSendAlert } from './sendAlert.ts';
import { createUpdateGigya } from './updateGigya.ts';

export { createAttemptInterceptor } from './attempt.ts';

export interface ActivitiesOptions {
  connections: Connections;
  authorizationsFile: string;
  metrics?: Metrics;
  /** Where alerts are posted; without it, none are sent. */
  alertWebhook?: string | undefined;
  /** Seconds without a finished page after which a run counts as stalled. @default 1800 */
  alertAfterSeconds?: number;
  /** Temporal's Web UI, for links in alerts. */
  webUiUrl?: string | undefined;
  namespace?: string | undefined;
}

/** The activities of a worker, by their names in histories. */
export function createActivities(options: ActivitiesOptions) {
  const {
    connections,
    authorizationsFile,
    metrics,
    alertWebhook,
    alertAfterSeconds = ALERT_AFTER_SECONDS,
  } = options;
  const { webUiUrl, namespace } = options;
  const catalogues = createCatalogues();
  return {
    preflight: createPreflight(connections, alertAfterSeconds),
    fetchMembership: measured(
      'fetchMembership',
      createFetchMembership(connections, catalogues),
      countsOf,
      metrics,
    ),
    fetchLeavers: measured('fetchLeavers', createFetchLeavers(connections, catalogues), countsOf, metrics),
    fetchRows: measured('fetchRows', createFetchRows(connections, catalogues), countsOf, metrics),
    updateGigya: measured(
      'updateGigya',
      createUpdateGigya(connections, catalogues),
      writtenCountsOf,
      metrics,
    ),
    countCarriers: createCountCarriers(connections),
    findQuietWindows,
    sendAlert: createSendAlert({ webhook: alertWebhook, webUiUrl, namespace }),
    ...createQuestions(connections, authorizationsFile, catalogues),
  };
}

export type Activities = ReturnType<typeof createActivities>;

/** Measures the time that a page takes, and counts its users; in a preview also its requests. */
function measured<Input extends { plan: Plan }, Result extends { calls?: Calls }>(
  name: string,
  activity: (input: Input) => Promise<Result>,
  counts: (result: Result) => Partial<Counts>,
  metrics: Metrics | undefined,
): (input: Input) => Promise<Result> {
  return async (input) => {
    const since = performance.now();
    const result = await activity(input);
    metrics?.page(name, performance.now() - since);
    metrics?.users(counts(result));
    return input.plan.job.config.dry_run ? { ...result, calls: currentAttempt().calls } : result;
  };
}

const countsOf = ({ counts }: { counts: Partial<Counts> }) => counts;

function writtenCountsOf({
  updated,
  unchanged,
  unknown_uid,
  failed,
  stale = 0,
}: WrittenPage): Partial<Counts> {
  return { updated, unchanged, unknown_uid, failed, stale };
}
