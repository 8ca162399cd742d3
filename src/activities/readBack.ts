import { isRecordFault } from '../errors.ts';
import type { CallOptions } from '../gigya/client.ts';
import { misconfigured } from '../gigya/errors.ts';
import type { GigyaStorage } from '../gigya/storage.ts';
import { type Held, holds, type UserRecord } from '../record.ts';
import type { Checkpoint } from './checkpoint.ts';

/**
 * Reads a written record back: with an old schema option a site appends to arrays, and every run would lengthen
 * them. @throws {GigyaError} when Gigya does not hold what was written.
 */
export async function readBack(
  storage: Pick<GigyaStorage, 'read'>,
  record: UserRecord,
  before: Held,
  checkpoint: Pick<Checkpoint, 'markReadBack'>,
  options: CallOptions,
): Promise<void> {
  const held = await readKnown(storage, record.uid, options);
  if (held) assertHolds(held, record);
  checkpoint.markReadBack('write');
  if (replacesArray(before, record)) checkpoint.markReadBack('replacement');
}

/** Undefined when Gigya has no such user after all. */
async function readKnown(
  storage: Pick<GigyaStorage, 'read'>,
  uid: string,
  options: CallOptions,
): Promise<Held | undefined> {
  try {
    return await storage.read(uid, options);
  } catch (error) {
    if (isRecordFault(error) && error.reason === 'unknown_uid') return undefined;
    throw error;
  }
}

/** Whether a write changes an array that is not empty: after it, appending is visible. */
export function replacesArray(before: Held, { data }: UserRecord): boolean {
  return Object.entries(data).some(([field, value]) => {
    const array = before[field];
    return Array.isArray(array) && array.length > 0 && !holds(before, { [field]: value });
  });
}

function assertHolds(held: Held, { data }: UserRecord): void {
  for (const [field, value] of Object.entries(data)) {
    if (holds(held, { [field]: value })) continue;
    const [wrote, kept] = [value, held[field]].map(described);
    throw misconfigured(
      `Gigya returned ${kept} in data.${field} after writing ${wrote}: the field appends instead of replacing, or something else writes it. Nothing more is written; declare another field and name it in config.gigya_field or config.mappings`,
    );
  }
}

function described(value: unknown): string {
  if (!Array.isArray(value)) return 'a value';
  return value.length === 1 ? '1 value' : `${value.length} values`;
}
