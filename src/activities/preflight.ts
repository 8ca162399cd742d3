import { GigyaError } from '../gigya/errors.ts';
import { openStorage } from '../gigya/openStorage.ts';
import { type Job, parseJob } from '../job.ts';
import { LyticsError } from '../lytics/errors.ts';
import { labelOf } from '../lytics/membership.ts';
import { runAttempt } from './attempt.ts';
import type { Connections } from './connections.ts';
import { finalFailure } from './failures.ts';

/** What a run does, settled before its first page. */
export interface Plan {
  /** The job document with its defaults. */
  job: Job;
  audience: {
    id: string;
    slug: string;
    /** How the audience is called in Gigya; absent when it does not stand in its own users' arrays. */
    label?: string;
    /** Users, as Lytics tells it. */
    size?: number;
  };
  /** How long Gigya's search may be behind, in seconds. */
  index_lag_seconds: number;
  /** After how long without a finished page somebody is alerted, in seconds. */
  alert_after_seconds: number;
  warnings: string[];
}

/**
 * Proves all that a run needs before anything is written: the document, both credentials, the
 * audience, the field. Its failures are final, but for a service that does not answer.
 */
export function createPreflight(connections: Connections, alertAfterSeconds: number) {
  return (document: unknown): Promise<Plan> =>
    runAttempt(async ({ reading }) => {
      const job = parseJob(document);
      const lytics = await connections.lytics(job.auth_ids);
      const { gigya, authorization } = await connections.gigya(job.auth_ids);
      if (job.config.target_storage === 'data_store' && authorization.datacenter === 'global.gigya.com') {
        const fix = `use target_storage "account", or another data centre in ${gigya.name}.datacenter`;
        throw finalFailure('Configuration', `global.gigya.com has no Data Store; ${fix}`);
      }
      const audience = await lytics.audience(job.config.segment_id, reading).catch((error: unknown) => {
        if (!(error instanceof LyticsError) || !['not_found', 'refused'].includes(error.kind)) throw error;
        const fix = `correct config.segment_id, or ${lytics.name}.token if it belongs to another account`;
        throw finalFailure(
          'Configuration',
          `Lytics has no audience "${job.config.segment_id}" (${error.message}); ${fix}`,
        );
      });
      await openStorage(gigya, job.config)
        .check(reading)
        .catch((error: unknown) => {
          // Nothing here is about a single user: whatever is refused needs a person.
          if (!(error instanceof GigyaError) || ['transient', 'once'].includes(error.kind)) throw error;
          throw finalFailure('Configuration', error.message);
        });
      const isExported = audience.is_public || job.config.audiences === 'all';
      const warning = `The audience "${audience.slug_name}" is not open to Lytics' API, so it will not stand in its own users' arrays; open it in Lytics, or set config.audiences to "all"`;
      return {
        job,
        audience: {
          id: audience.id,
          slug: audience.slug_name,
          ...(isExported && { label: labelOf(audience, job.config) }),
          ...(audience.size !== undefined && { size: audience.size }),
        },
        index_lag_seconds: authorization.index_lag_seconds,
        alert_after_seconds: alertAfterSeconds,
        warnings: isExported ? [] : [warning],
      };
    });
}
