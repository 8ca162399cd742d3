import pMap from 'p-map';
import { addFailures, type OutcomesSoFar, systematicFailure } from '../counts.ts';
import { isRecordFault, ServiceError } from '../errors.ts';
import { openStorage } from '../gigya/openStorage.ts';
import { isQueryable } from '../gigya/query.ts';
import type { GigyaStorage } from '../gigya/storage.ts';
import { createMapping, fieldsOf } from '../mapping/mapping.ts';
import { type Held, hasAny, holds, type UserRecord } from '../record.ts';
import { READ_BACK_TRIES } from '../tuning.ts';
import { type Attempt, currentAttempt } from './attempt.ts';
import type { Catalogues } from './catalogues.ts';
import { Checkpoint, type Outcome, type ReadBack, type WrittenPage } from './checkpoint.ts';
import type { Connections } from './connections.ts';
import { finalFailure } from './failures.ts';
import { Unanswered } from './outage.ts';
import type { Plan } from './preflight.ts';
import { readBack, replacesArray } from './readBack.ts';
import { openPage, type Page, sealingKey } from './sealedPage.ts';
import { recordsOfShared } from './sharedUids.ts';

export interface PageToWrite {
  plan: Plan;
  /** Sealed. */
  page: string;
  readBack: ReadBack;
  /** Outcomes of earlier pages, to detect when all records fail the same way. */
  earlier: OutcomesSoFar;
  /** Whether rows that share a UID are already resolved; see `recordsOfShared`. */
  isSettled: boolean;
}

/**
 * Writes a page of records to Gigya: skips those that Gigya already holds, and writes the others whole. A heartbeat
 * every second contains the checkpoint, so that the next attempt continues with the next record.
 */
export function createUpdateGigya(connections: Connections, catalogues: Catalogues) {
  return async (input: PageToWrite): Promise<WrittenPage> => {
    const { plan, page: sealed, readBack, earlier, isSettled } = input;
    const attempt = currentAttempt();
    const checkpoint = new Checkpoint(attempt.resumedFrom, readBack);
    attempt.keep({ details: () => checkpoint.snapshot(), soFar: () => checkpoint.stopped });
    const { config, auth_ids } = plan.job;
    const { gigya, authorization } = await connections.gigya(auth_ids);
    const page = await openPage(sealed, sealingKey(authorization));
    const storage = openStorage(gigya, config, fieldsOf(config));
    const settle = async (uids: readonly string[]) => {
      if (isSettled || uids.length === 0) return new Map<string, UserRecord>();
      const lytics = await connections.lytics(auth_ids);
      return recordsOfShared(uids, { lytics, plan, attempt }, async (users) => {
        const names = new Set(users.flatMap(({ audiences }) => audiences));
        return createMapping(plan, await catalogues.read(lytics, names, attempt.reading));
      });
    };
    const writer = new Writer(storage, plan, page, checkpoint, earlier, attempt);
    await writer.write(authorization.limits.connections, settle);
    return checkpoint.written;
  };
}

/** A record at its position in the page. */
interface Entry {
  position: number;
  record: UserRecord;
}

/** Finds the records of those of these UIDs that several rows share. */
type Settle = (uids: readonly string[]) => Promise<Map<string, UserRecord>>;

class Writer {
  readonly #entries: readonly Entry[];
  readonly #unanswered = new Unanswered<Entry>();
  readonly #copies: ReadonlyMap<string, number>;
  readonly #isDryRun: boolean;

  constructor(
    private readonly storage: GigyaStorage,
    private readonly plan: Plan,
    page: Page,
    private readonly checkpoint: Checkpoint,
    private readonly earlier: OutcomesSoFar,
    private readonly attempt: Attempt,
  ) {
    this.#entries = page.records.map((record, position) => ({ record, position }));
    this.#copies = new Map(page.copies);
    this.#isDryRun = plan.job.config.dry_run;
  }

  /** @param settle Returns the records of those UIDs that several rows share. */
  async write(concurrency: number, settle: Settle): Promise<void> {
    const unfinished = this.#entries.filter(({ position }) => !this.checkpoint.isDone(position));
    const index = await this.#lookUp(unfinished);
    const shared = await settle(unfinished.flatMap(({ record }) => this.#changing(record, index)));
    const open = unfinished.map(({ record, position }) => ({
      position,
      record: shared.get(record.uid) ?? record,
    }));
    await this.#writeFirstOnes(open, index);
    const rest = open.filter((entry) => this.#isOpen(entry));
    await pMap(rest, (entry) => this.#handle(entry, index, false), {
      concurrency,
      signal: this.attempt.signal,
    });
    await this.#giveUpUnanswered(settle);
  }

  #isOpen(entry: Entry): boolean {
    return !this.checkpoint.isDone(entry.position) && !this.#unanswered.has(entry);
  }

  /** The UID of a record that changes what was written before, perhaps by another row with this UID. */
  #changing(record: UserRecord, index: Map<string, Held>): string[] {
    const held = index.get(record.uid);
    return held && !holds(held, record.data) && hasAny(held, record.data) ? [record.uid] : [];
  }

  /** What the index holds. When Gigya rejects the search itself, nothing is known and every record is written. */
  async #lookUp(open: readonly Entry[]): Promise<Map<string, Held>> {
    try {
      return await this.storage.lookUp(
        open.map(({ record }) => record.uid),
        this.attempt.reading,
      );
    } catch (error) {
      if (isRecordFault(error)) return new Map();
      throw error;
    }
  }

  /** Before many records are written at once, single ones are written and read back. */
  async #writeFirstOnes(open: readonly Entry[], index: Map<string, Held>): Promise<void> {
    const { readBack } = this.checkpoint.written;
    if (this.#isDryRun || readBack.replacement) return;
    const toWrite = open.filter(({ record }) => !holds(index.get(record.uid) ?? {}, record.data));
    const toReplace = toWrite.filter(({ record }) => replacesArray(index.get(record.uid) ?? {}, record));
    for (const entry of toReplace.slice(0, READ_BACK_TRIES)) {
      if (readBack.replacement) return;
      await this.#handle(entry, index, true);
    }
    for (const entry of toWrite.slice(0, READ_BACK_TRIES)) {
      if (readBack.write) return;
      if (this.#isOpen(entry)) await this.#handle(entry, index, true);
    }
  }

  async #handle(entry: Entry, index: Map<string, Held>, isReadBack: boolean): Promise<void> {
    try {
      this.#settle(entry, await this.#bring(entry.record, index, isReadBack));
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      if (isRecordFault(error)) return this.#settle(entry, outcomeOf(error));
      if (error.retry !== 'now' && error.retry !== 'later') throw error;
      this.#unanswered.add(entry, error);
      return;
    }
    this.#unanswered.answered();
  }

  /** Writes one user's record unless Gigya already holds it. */
  async #bring(record: UserRecord, index: Map<string, Held>, isReadBack: boolean): Promise<Outcome> {
    const { uid, data } = record;
    const { reading, writing } = this.attempt;
    let held = index.get(uid);
    // New accounts that are not in the index yet, and UIDs that a query cannot contain, are tried anyway.
    const needsRead = this.#isDryRun || !this.storage.refusesUnknown || !isQueryable(uid);
    if (!held && needsRead) {
      held = (await this.storage.read(uid, reading)) ?? undefined;
      if (!held) return { kind: 'unknown_uid' };
    }
    if (held && holds(held, data)) return { kind: 'unchanged' };
    if (this.#isDryRun) return { kind: 'updated' };
    await this.storage.write(record, writing);
    if (isReadBack) await readBack(this.storage, record, held ?? {}, this.checkpoint, reading);
    return { kind: 'updated' };
  }

  #settle({ position, record }: Entry, outcome: Outcome): void {
    this.checkpoint.settle(position, outcome, this.#copies.get(record.uid) ?? 1, this.#isCarrier(record));
    if (outcome.kind === 'updated' || outcome.kind === 'unchanged') return;
    const { updated, unchanged, unknown_uid, failed, failures } = this.checkpoint.written;
    const soFar: OutcomesSoFar = {
      handled: this.earlier.handled + updated + unchanged + unknown_uid + failed,
      failures: { ...this.earlier.failures },
    };
    addFailures(soFar.failures, failures);
    if (!this.plan.job.config.lite_accounts) addFailures(soFar.failures, { unknown_uid });
    const systematic = systematicFailure(soFar);
    if (systematic) throw finalFailure('Configuration', systematic);
  }

  #isCarrier({ data }: UserRecord): boolean {
    const { label } = this.plan.audience;
    const value = data[this.plan.job.config.gigya_field];
    return label !== undefined && Array.isArray(value) && value.includes(label);
  }

  async #giveUpUnanswered(settle: Settle): Promise<void> {
    const canary = this.#entries[this.checkpoint.canary ?? -1]?.record;
    const { reading, writing, number } = this.attempt;
    const probe = async (record: UserRecord) => {
      if (this.#isDryRun) await this.storage.read(record.uid, reading);
      // The same record as before: for a shared UID that is the profile's.
      else await this.storage.write((await settle([record.uid])).get(record.uid) ?? record, writing);
    };
    for (const { record, error } of await this.#unanswered.giveUp(number, canary && (() => probe(canary)))) {
      this.#settle(record, { kind: 'failed', reason: error.reason });
    }
  }
}

function outcomeOf({ reason }: ServiceError): Outcome {
  return reason === 'unknown_uid' || reason === 'unchanged' ? { kind: reason } : { kind: 'failed', reason };
}
