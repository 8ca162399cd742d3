import { addFailures, type OutcomesSoFar, systematicFailure } from '../counts.ts';
import { isRecordFault, ServiceError } from '../errors.ts';
import { openStorage } from '../gigya/openStorage.ts';
import { isQueryable } from '../gigya/query.ts';
import type { GigyaStorage } from '../gigya/storage.ts';
import { createMapping, fieldsOf } from '../mapping/mapping.ts';
import { changeOf, operationOf } from '../mapping/operation.ts';
import { type Held, hasAny, holds, type UserRecord } from '../record.ts';
import type { FailedRow } from '../rows.ts';
import { READ_BACK_TRIES } from '../tuning.ts';
import { type Attempt, currentAttempt } from './attempt.ts';
import type { Catalogues } from './catalogues.ts';
import { Checkpoint, type Outcome, type ReadBack, type WrittenPage } from './checkpoint.ts';
import type { Connections } from './connections.ts';
import { isStale, openExpected } from './expected.ts';
import { finalFailure } from './failures.ts';
import { audienceOf } from './memberships.ts';
import { Unanswered } from './outage.ts';
import type { Plan } from './preflight.ts';
import { readBack, replacesArray } from './readBack.ts';
import { RowSet } from './rowSet.ts';
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
  /** What Gigya must still hold of each record, sealed: records of others are skipped. Of a plan only. */
  expected?: string;
  /** The records that an earlier activity handled: its `rest`. Absent for a page that begins. */
  done?: string;
}

/**
 * Writes a page of records to Gigya: skips those that Gigya already holds, and writes the others whole. A heartbeat
 * every second contains the checkpoint, so that the next attempt continues with the next record.
 */
export function createUpdateGigya(connections: Connections, catalogues: Catalogues) {
  return async (input: PageToWrite): Promise<WrittenPage> => {
    const { plan, page: sealed, readBack, earlier, isSettled } = input;
    const attempt = currentAttempt();
    const { config, auth_ids } = plan.job;
    const rows = new RowSet();
    const checkpoint = new Checkpoint(attempt.resumedFrom, readBack, rows, input.done);
    attempt.keep({
      // A preview's rows are too many for heartbeats: its next attempt compares the page again.
      details: () => (config.dry_run ? {} : checkpoint.snapshot()),
      soFar: () => checkpoint.stopped,
      ...(!config.dry_run && { counts: () => checkpoint.written }),
    });
    await attempt.claim();
    const { gigya, authorization } = await connections.gigya(auth_ids);
    const key = sealingKey(authorization);
    rows.sealWith(key);
    const page = await openPage(sealed, key);
    const expected = input.expected === undefined ? [] : await openExpected(input.expected, key);
    const storage = openStorage(gigya, config, fieldsOf(config));
    const settle = async (uids: readonly string[]) => {
      if (isSettled || uids.length === 0) return new Map<string, UserRecord>();
      const lytics = await connections.lytics(auth_ids);
      const audience = await audienceOf(plan, lytics, catalogues, attempt);
      return recordsOfShared(uids, { lytics, plan, audience, attempt }, async (users) => {
        const names = new Set(users.flatMap(({ audiences }) => audiences));
        return createMapping(plan, await catalogues.read(lytics, names, attempt.reading));
      });
    };
    const writer = new Writer(storage, plan, page, expected, checkpoint, rows, earlier, attempt);
    await writer.write(gigya.connections, settle);
    return checkpoint.result(page.records.length);
  };
}

/** A record at its position in the page. */
interface Entry {
  position: number;
  record: UserRecord;
  /** What Gigya must still hold; undefined when anything may be replaced. */
  expected: Held | undefined;
}

type FailedReason = Pick<FailedRow, 'status' | 'errorCode' | 'statusMessage' | 'callId'>;

const STALE: FailedReason = {
  status: 'stale',
  errorCode: 'stale',
  statusMessage: 'The user no longer holds what the plan was made from',
  callId: null,
};

interface Brought {
  outcome: Outcome;
  /** What Gigya held. */
  before: Held;
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
    expected: readonly Held[],
    private readonly checkpoint: Checkpoint,
    private readonly rows: RowSet,
    private readonly earlier: OutcomesSoFar,
    private readonly attempt: Attempt,
  ) {
    this.#entries = page.records.map((record, position) => ({
      record,
      position,
      expected: expected[position],
    }));
    this.#copies = new Map(page.copies);
    this.#isDryRun = plan.job.config.dry_run;
  }

  /** @param settle Returns the records of those UIDs that several rows share. */
  async write(concurrency: number, settle: Settle): Promise<void> {
    const unfinished = this.#entries.filter(({ position }) => !this.checkpoint.isDone(position));
    const index = await this.#lookUp(unfinished);
    const shared = await settle(unfinished.flatMap(({ record }) => this.#changing(record, index)));
    const open = unfinished.map((entry) => ({
      ...entry,
      record: shared.get(entry.record.uid) ?? entry.record,
    }));
    await this.#writeFirstOnes(open, index);
    const rest = open.filter((entry) => this.#isOpen(entry));
    await this.#handleAll(rest, index, concurrency);
    await this.#giveUpUnanswered(settle, index);
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

  /** Like p-map, which takes 4 % of the CPU time of an export. */
  async #handleAll(entries: readonly Entry[], index: Map<string, Held>, concurrency: number): Promise<void> {
    const { signal } = this.attempt;
    const waiting = entries.values();
    let hasFailed = false;
    const handleNext = async () => {
      try {
        for (const entry of waiting) {
          if (hasFailed) return;
          signal.throwIfAborted();
          await this.#handle(entry, index, false);
        }
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    };
    await Promise.all(Array.from({ length: Math.min(concurrency, entries.length) }, handleNext));
  }

  async #handle(entry: Entry, index: Map<string, Held>, isReadBack: boolean): Promise<void> {
    // What is left is handled by another activity.
    if (this.rows.isFull) return;
    const held = index.get(entry.record.uid);
    try {
      const { outcome, before } = await this.#bring(entry, held, isReadBack);
      if (this.#isDryRun && outcome.kind === 'updated') {
        if (this.rows.isFull) return;
        this.rows.addChanged(changeOf(entry.record.uid, before, entry.record.data, this.plan));
      }
      if (outcome.kind === 'stale') this.#addFailed(entry, before, STALE);
      this.#settle(entry, outcome);
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      if (isRecordFault(error)) {
        this.#unanswered.answered();
        return this.#refuse(entry, held, error, outcomeOf(error));
      }
      if (error.retry !== 'now' && error.retry !== 'later') throw error;
      this.#unanswered.add(entry, error);
      return;
    }
    this.#unanswered.answered();
  }

  /** Writes one user's record unless Gigya already holds it. */
  async #bring(
    { record, expected }: Entry,
    indexed: Held | undefined,
    isReadBack: boolean,
  ): Promise<Brought> {
    const { uid, data } = record;
    const { reading, writing } = this.attempt;
    // The index lags: it does not show what was changed since the plan was made.
    let held = expected ? undefined : indexed;
    // New accounts that are not in the index yet, and UIDs that a query cannot contain, are tried anyway.
    const needsRead =
      this.#isDryRun || expected !== undefined || !this.storage.refusesUnknown || !isQueryable(uid);
    // Throws when Gigya has no such user.
    if (!held && needsRead) held = await this.storage.read(uid, reading);
    const before = held ?? {};
    if (held && holds(held, data)) return { outcome: { kind: 'unchanged' }, before };
    if (expected && isStale(before, expected)) return { outcome: { kind: 'stale' }, before };
    if (this.#isDryRun) return { outcome: { kind: 'updated' }, before };
    await this.storage.write(record, writing);
    if (isReadBack) await readBack(this.storage, record, before, this.checkpoint, reading);
    return { outcome: { kind: 'updated' }, before };
  }

  /** Settles a record that could not be written. */
  #refuse(entry: Entry, held: Held | undefined, error: ServiceError, outcome: Outcome): void {
    if (outcome.kind === 'failed' || outcome.kind === 'unknown_uid') {
      this.#addFailed(entry, held, {
        status: outcome.kind === 'failed' ? 'rejected' : 'unknown_user',
        errorCode: error.code,
        statusMessage: error.answer,
        callId: error.callId ?? null,
      });
    }
    this.#settle(entry, outcome);
  }

  #addFailed({ record: { uid, data } }: Entry, held: Held | undefined, reason: FailedReason): void {
    this.rows.addFailed({
      ...reason,
      identifier: uid,
      operation: operationOf(held, data, this.plan),
      attempts: this.attempt.number,
      attemptedAt: new Date().toISOString(),
    });
  }

  #settle({ position, record }: Entry, outcome: Outcome): void {
    this.checkpoint.settle(position, outcome, this.#copies.get(record.uid) ?? 1, this.#isCarrier(record));
    if (outcome.kind !== 'failed' && outcome.kind !== 'unknown_uid') return;
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

  async #giveUpUnanswered(settle: Settle, index: Map<string, Held>): Promise<void> {
    const canary = this.#entries[this.checkpoint.canary ?? -1]?.record;
    const { reading, writing, number } = this.attempt;
    const probe = async (record: UserRecord) => {
      if (this.#isDryRun) await this.storage.read(record.uid, reading);
      // The same record as before: for a shared UID that is the profile's.
      else await this.storage.write((await settle([record.uid])).get(record.uid) ?? record, writing);
    };
    const given = await this.#unanswered.giveUp(number, canary && (() => probe(canary)));
    for (const { record: entry, error } of given) {
      const held = index.get(entry.record.uid);
      this.#refuse(entry, held, error, { kind: 'failed', reason: error.reason });
    }
  }
}

function outcomeOf({ reason }: ServiceError): Outcome {
  return reason === 'unknown_uid' || reason === 'unchanged' ? { kind: reason } : { kind: 'failed', reason };
}
