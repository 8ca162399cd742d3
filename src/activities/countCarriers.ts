import { ServiceError } from '../errors.ts';
import { openStorage } from '../gigya/openStorage.ts';
import { fieldsOf } from '../mapping/mapping.ts';
import { MOST_AUDITED_BATCHES } from '../tuning.ts';
import { currentAttempt } from './attempt.ts';
import { findCarriers } from './carriers.ts';
import type { Connections } from './connections.ts';
import type { Plan } from './preflight.ts';

export interface CarriersCount {
  carriers: number;
  /** Whether every carrier was read; Gigya's own count may match by word and include others. */
  isExact: boolean;
}

/** Counts the users who carry the audience in Gigya; null when they cannot be counted. */
export function createCountCarriers(connections: Connections) {
  return async (plan: Plan): Promise<CarriersCount | null> => {
    const { reading } = currentAttempt();
    const { config, auth_ids } = plan.job;
    const { gigya } = await connections.gigya(auth_ids);
    const storage = openStorage(gigya, config, fieldsOf(config));
    let carriers = 0;
    let cursor: string | null = null;
    try {
      for (let batches = 0; batches < MOST_AUDITED_BATCHES; batches++) {
        const batch = await findCarriers(storage, plan, cursor, reading);
        if (!batch || batch.expired) return null;
        carriers += batch.uids.length;
        if (batch.next === null) return { carriers, isExact: true };
        if (batches === 0 && (batch.total ?? 0) > MOST_AUDITED_BATCHES * 1_000) {
          return { carriers: batch.total ?? carriers, isExact: false };
        }
        cursor = batch.next;
      }
      return null;
    } catch (error) {
      // The writes are done: an error here must not fail the run.
      if (error instanceof ServiceError && error.retry === 'never') return null;
      throw error;
    }
  };
}
