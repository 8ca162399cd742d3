import { GigyaError } from '../gigya/errors.ts';
import { openStorage } from '../gigya/openStorage.ts';
import { runAttempt } from './attempt.ts';
import type { Connections } from './connections.ts';
import type { Plan } from './preflight.ts';

/** How many accounts in Gigya carry the exported audience; null when Gigya cannot be asked for it. */
export function createCountInGigya(connections: Connections) {
  return ({ job, audience }: Plan): Promise<number | null> =>
    runAttempt(async ({ reading }) => {
      if (audience.label === undefined) return null;
      const { gigya } = await connections.gigya(job.auth_ids);
      try {
        return (await openStorage(gigya, job.config).count(audience.label, reading)) ?? null;
      } catch (error) {
        // The run is done; what Gigya does not count does not undo it.
        if (error instanceof GigyaError && !['transient', 'once'].includes(error.kind)) return null;
        throw error;
      }
    });
}
