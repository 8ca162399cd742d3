import { isRecordFault } from '../errors.ts';
import type { CallOptions } from '../gigya/client.ts';
import { isQueryable } from '../gigya/query.ts';
import type { GigyaStorage } from '../gigya/storage.ts';
import type { Plan } from './preflight.ts';

export interface CarriersBatch {
  /** UIDs of users who hold the label exactly: `contains` may match by word. */
  uids: string[];
  /** All users that Gigya's query matches: an upper bound. */
  total: number | undefined;
  next: string | null;
  /** The cursor has expired. */
  expired: boolean;
}

/** The next users who carry the audience's label in Gigya; undefined when a query cannot contain the label. */
export async function findCarriers(
  storage: GigyaStorage,
  { job, audience }: { job: Plan['job']; audience: Pick<Plan['audience'], 'label'> },
  cursor: string | null,
  options: CallOptions,
): Promise<CarriersBatch | undefined> {
  const { label } = audience;
  if (label === undefined || !isQueryable(label)) return undefined;
  const field = job.config.gigya_field;
  try {
    const batch = await storage.findCarriers({ field, label }, cursor, options);
    const uids = batch.found.flatMap(({ uid, held }) => {
      const value = held[field];
      return Array.isArray(value) && value.includes(label) ? [uid] : [];
    });
    return { uids: [...new Set(uids)], total: batch.total, next: batch.next, expired: false };
  } catch (error) {
    // A Data Store type exists from its first object on.
    const isObjects = job.config.target_storage === 'data_store';
    if (isObjects && cursor === null && isRecordFault(error)) {
      return { uids: [], total: 0, next: null, expired: false };
    }
    if (cursor === null || !isRecordFault(error)) throw error;
    return { uids: [], total: undefined, next: null, expired: true };
  }
}
