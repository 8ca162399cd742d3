import { Context } from '@temporalio/activity';
import pMap from 'p-map';
import { z } from 'zod';
import { type Failures, systematicFailure } from '../counts.ts';
import { GigyaError } from '../gigya/errors.ts';
import { openStorage } from '../gigya/openStorage.ts';
import { isQueryable } from '../gigya/query.ts';
import { type GigyaStorage, holds } from '../gigya/storage.ts';
import { type Attempt, runAttempt } from './attempt.ts';
import type { Connections } from './connections.ts';
import { finalFailure } from './failures.ts';
import type { Plan } from './preflight.ts';
import { openPage, sealingKey } from './sealedPage.ts';

/** Which kinds of write a run has read back, to know that arrays are replaced and not appended to. */
export interface ReadBack {
  /** Any write. */
  write: boolean;
  /** A write over other audiences: the one that tells. */
  replacement: boolean;
}

export interface PageToWrite {
  plan: Plan;
  /** Sealed. */
  page: string;
  readBack: ReadBack;
  /** What became of the users before, to notice when all fail the same way. */
  earlier: { handled: number; failures: Failures };
}

const writtenSchema = z.object({
  updated: z.number(),
  unchanged: z.number(),
  unknown_uid: z.number(),
  failed: z.number(),
  /** Of those that failed, how many for which reason: Gigya's errorCode. */
  failures: z.record(z.string(), z.number()),
  /** UIDs that carry the exported audience now. */
  carrying: z.number(),
  readBack: z.object({ write: z.boolean(), replacement: z.boolean() }),
  /** The run was cancelled before all were done. */
  stopped: z.boolean(),
});

/** What became of a page's users. */
export type WrittenPage = z.output<typeof writtenSchema>;

const progressSchema = writtenSchema.extend({
  /** A bit a user, in base64: whose fate is known. */
  done: z.base64(),
  /** The position of a user who was written or read well, to tell a bad record from a bad service. */
  canary: z.number().nullable(),
});

interface User {
  position: number;
  uid: string;
  audiences: string[];
  copies: number;
}

type Fate = 'updated' | 'unchanged' | 'unknown_uid' | { failed: string };

/** Users in a row that get no answer: the service is at fault, not they. */
const OUTAGE = 20;
/** After so many attempts a user who alone gets no answer is given up, if others get theirs. */
const ATTEMPTS_PER_USER = 5;
/** So often a user who was well has to be well again, until another counts as a bad record. */
const CANARY_CALLS = 5;
/** Users to try, one by one, until a write has been read back. */
const READ_BACK_TRIES = 10;

/**
 * Brings Gigya to a page's state: skips who holds the same already, writes the rest, each whole.
 * Every second it tells the server who is done, so that another attempt goes on with the next user.
 */
export function createUpdateGigya(connections: Connections) {
  return async ({ plan, page: sealed, readBack, earlier }: PageToWrite): Promise<WrittenPage> => {
    const progress = goOn(Context.current().info.heartbeatDetails, readBack);
    return runAttempt(
      async (attempt) => {
        const { config, auth_ids } = plan.job;
        const { gigya, authorization } = await connections.gigya(auth_ids);
        const page = await openPage(sealed, sealingKey(authorization));
        const users = page.users.map(([uid, positions, copies], position) => ({
          position,
          uid,
          audiences: positions.flatMap((index) => page.audiences[index] ?? []),
          copies,
        }));
        const writer = createWriter(openStorage(gigya, config), plan, users, progress, earlier, attempt);
        await writer.write(authorization.limits.connections);
        return progress.written;
      },
      { details: () => progress.snapshot(), soFar: () => ({ ...progress.written, stopped: true }) },
    );
  };
}

interface Progress {
  written: WrittenPage;
  isDone(position: number): boolean;
  settle(user: User, fate: Fate, isCarrying: boolean): void;
  canary: number | null;
  snapshot(): z.output<typeof progressSchema>;
}

/** The progress of the attempt before, if it left any. */
function goOn(details: unknown, readBack: ReadBack): Progress {
  const before = progressSchema.safeParse(details).data;
  const done = new Set<number>();
  let written: WrittenPage = {
    updated: 0,
    unchanged: 0,
    unknown_uid: 0,
    failed: 0,
    failures: {},
    carrying: 0,
    readBack,
    stopped: false,
  };
  if (before) {
    const { done: bits, canary: _, ...counts } = before;
    written = counts;
    const bytes = Buffer.from(bits, 'base64');
    for (let position = 0; position < bytes.length * 8; position++) {
      if (((bytes[position >> 3] ?? 0) >> (position & 7)) & 1) done.add(position);
    }
  }
  return {
    written,
    canary: before?.canary ?? null,
    isDone: (position) => done.has(position),
    settle(user, fate, isCarrying) {
      done.add(user.position);
      if (typeof fate === 'object') {
        written.failed += user.copies;
        written.failures[fate.failed] = (written.failures[fate.failed] ?? 0) + user.copies;
        return;
      }
      if (fate === 'updated') {
        // One write, however many rows spoke of the user.
        written.updated += 1;
        written.unchanged += user.copies - 1;
      } else {
        written[fate] += user.copies;
      }
      if (fate === 'unknown_uid') return;
      this.canary = user.position;
      if (isCarrying) written.carrying += 1;
    },
    snapshot() {
      const bytes = Buffer.alloc(Math.ceil((Math.max(-1, ...done) + 1) / 8));
      for (const position of done) bytes[position >> 3] = (bytes[position >> 3] ?? 0) | (1 << (position & 7));
      return { ...written, done: bytes.toString('base64'), canary: this.canary };
    },
  };
}

function createWriter(
  storage: GigyaStorage,
  plan: Plan,
  users: User[],
  progress: Progress,
  earlier: PageToWrite['earlier'],
  attempt: Attempt,
) {
  const isDryRun = plan.job.config.dry_run;
  const { written } = progress;
  const { reading, writing } = attempt;
  const unanswered: { user: User; error: GigyaError }[] = [];
  let unansweredInARow = 0;

  async function write(concurrency: number): Promise<void> {
    const open = users.filter((user) => !progress.isDone(user.position));
    const index = await lookUp(open);
    await readFirstWritesBack(open, index);
    const rest = open.filter(
      (user) => !progress.isDone(user.position) && !unanswered.some((one) => one.user === user),
    );
    await pMap(rest, (user) => handle(user, index, false), { concurrency, signal: attempt.signal });
    await giveUpTheUnanswerable();
  }

  /** What the index holds. When Gigya refuses the search itself, nothing is known, and all are tried. */
  async function lookUp(open: User[]): Promise<Map<string, unknown>> {
    try {
      return await storage.lookUp(
        open.map(({ uid }) => uid),
        reading,
      );
    } catch (error) {
      if (error instanceof GigyaError && ['record', 'unknown_uid', 'fine'].includes(error.kind))
        return new Map();
      throw error;
    }
  }

  /** Before many users are written at once, single ones are, and read back: does the site replace arrays? */
  async function readFirstWritesBack(open: User[], index: Map<string, unknown>): Promise<void> {
    if (isDryRun || written.readBack.replacement) return;
    const toWrite = open.filter(({ uid, audiences }) => !holds(index.get(uid), audiences));
    const toReplace = toWrite.filter(({ uid }) => {
      const held = index.get(uid);
      return Array.isArray(held) && held.length > 0;
    });
    for (const user of toReplace.slice(0, READ_BACK_TRIES)) {
      if (written.readBack.replacement) return;
      await handle(user, index, true);
    }
    for (const user of toWrite.slice(0, READ_BACK_TRIES)) {
      if (written.readBack.write) return;
      if (!progress.isDone(user.position)) await handle(user, index, true);
    }
  }

  async function handle(user: User, index: Map<string, unknown>, isReadBack: boolean): Promise<void> {
    try {
      const fate = await bring(user, index, isReadBack);
      settle(user, fate);
    } catch (error) {
      if (!(error instanceof GigyaError)) throw error;
      if (error.kind === 'configuration' || error.kind === 'wait') throw error;
      if (error.kind === 'unknown_uid') return settle(user, 'unknown_uid');
      if (error.kind === 'fine') return settle(user, 'unchanged');
      if (error.kind === 'record') return settle(user, { failed: String(error.code ?? 'refused') });
      unanswered.push({ user, error });
      if (++unansweredInARow >= OUTAGE) throw error;
      return;
    }
    unansweredInARow = 0;
  }

  /** Brings one user's account to the page's state. */
  async function bring(
    { uid, audiences }: User,
    index: Map<string, unknown>,
    isReadBack: boolean,
  ): Promise<Fate> {
    const isListed = index.has(uid);
    let held = index.get(uid);
    // Accounts younger than the index are tried all the same; so is what a query cannot ask for.
    if (!isListed && (isDryRun || !storage.refusesUnknown || !isQueryable(uid))) {
      const account = await storage.read(uid, reading);
      if (!account) return 'unknown_uid';
      held = account.held;
      if (holds(held, audiences)) return 'unchanged';
    } else if (isListed && holds(held, audiences)) {
      return 'unchanged';
    }
    if (isDryRun) return 'updated';
    await storage.write(uid, audiences, writing);
    if (isReadBack) await readBack(uid, held, audiences);
    return 'updated';
  }

  async function readBack(uid: string, before: unknown, audiences: string[]): Promise<void> {
    const account = await storage.read(uid, reading);
    if (account && !holds(account.held, audiences)) {
      const kept = Array.isArray(account.held) ? account.held.length : 0;
      const field = plan.job.config.gigya_field;
      throw finalFailure(
        'Configuration',
        `Gigya holds ${kept} audiences after a write of ${audiences.length}: the field data.${field} does not replace arrays (or something else writes it). Nothing more is written; declare another field, and set config.gigya_field`,
      );
    }
    written.readBack.write = true;
    if (Array.isArray(before) && before.length > 0) written.readBack.replacement = true;
  }

  function settle(user: User, fate: Fate): void {
    const { label } = plan.audience;
    progress.settle(user, fate, label !== undefined && user.audiences.includes(label));
    if (fate === 'updated' || fate === 'unchanged') return;
    const handled =
      earlier.handled + written.updated + written.unchanged + written.unknown_uid + written.failed;
    const failures = { ...earlier.failures };
    for (const [reason, count] of Object.entries(written.failures))
      failures[reason] = (failures[reason] ?? 0) + count;
    failures['403005'] = (earlier.failures['403005'] ?? 0) + written.unknown_uid;
    const systematic = systematicFailure(handled, failures);
    if (systematic) throw finalFailure('Configuration', systematic);
  }

  /**
   * Users who got no answer are left to the next attempt. After a few of those, when a user who was
   * written before can still be written, the fault is theirs and not the service's.
   */
  async function giveUpTheUnanswerable(): Promise<void> {
    const [first] = unanswered;
    if (!first) return;
    const canary = users[progress.canary ?? -1];
    if (attempt.number < ATTEMPTS_PER_USER || !canary) throw first.error;
    // One answer may be luck, where the service gives one only now and then.
    for (let time = 0; time < CANARY_CALLS; time++) {
      if (isDryRun) await storage.read(canary.uid, reading);
      else await storage.write(canary.uid, canary.audiences, writing);
    }
    for (const { user, error } of unanswered) settle(user, { failed: String(error.code ?? 'no_answer') });
  }

  return { write };
}
