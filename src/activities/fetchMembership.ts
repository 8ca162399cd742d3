import { createHmac } from 'node:crypto';
import pMap from 'p-map';
import type { Failures } from '../counts.ts';
import type { JobConfig } from '../job.ts';
import type { Lytics, Row, ScanPage } from '../lytics/client.ts';
import { LyticsError } from '../lytics/errors.ts';
import { audiencesIn, type Catalogue, createCatalogue, membershipOf, uidsIn } from '../lytics/membership.ts';
import { type Attempt, type CallOptions, runAttempt } from './attempt.ts';
import type { Connections } from './connections.ts';
import { finalFailure } from './failures.ts';
import type { Plan } from './preflight.ts';
import { type Page, sealingKey, sealPage } from './sealedPage.ts';

/** Where the next page of the audience begins. */
export interface Cursor {
  /** Lytics' cursor; empty at the beginning. */
  start: string;
  /** Fingerprints of the rows of the page before: Lytics' cursor can look the same from page to page. */
  before: string;
}

export interface PageToFetch {
  plan: Plan;
  cursor: Cursor;
  /** Rows of the audience that this sweep has seen. */
  seen: number;
}

/** The next members of the audience, with their audiences. */
export interface FetchedPage {
  /** The users, sealed; null when none of the rows has a Gigya UID. */
  page: string | null;
  /** Members: rows, and those with several UIDs once for each. */
  count: number;
  /** Rows as Lytics counts them. */
  rows: number;
  /** Of the members, those without a Gigya UID. */
  no_gigya_id: number;
  /** Of the members, those that cannot be written, by reason. */
  failures: Failures;
  /** Members whose UID stood in the page before; they got the union of their audiences. */
  duplicates: number;
  /** Audiences of users that Lytics does not list; they are not exported. */
  unlisted: string[];
  /** Where to go on; null at the end of the audience. */
  next: Cursor | null;
  /** Users of the audience, as Lytics tells it. */
  total: number | null;
  /** A page may have been skipped: a request had to be sent again, and the cursor may be a scroll position. */
  lossy: boolean;
  /** Lytics does not take the cursor any more: the scan has to begin anew. */
  expired: boolean;
}

export const BEGINNING: Cursor = { start: '', before: '' };

/** Members a page holds at the most; Lytics gives them by the hundred. */
const BATCH = 1_000;
/** A payload may have 2 MiB, and sealing adds a third to what it cannot compress. */
const BATCH_BYTES = 1_000_000;
/** How often a page that came before may come again until it counts as the end. */
const REPEATS = 3;
const LOOK_UPS_AT_ONCE = 10;
const CATALOGUE_AGE_MS = 60_000;
const FINGERPRINT_LENGTH = 8;

export function createFetchMembership(connections: Connections) {
  const catalogues = new WeakMap<Lytics, { readAt: number; catalogue: Catalogue }>();

  async function catalogueOf(lytics: Lytics, maxAgeMs: number, options: CallOptions): Promise<Catalogue> {
    const known = catalogues.get(lytics);
    if (known && Date.now() - known.readAt < maxAgeMs) return known.catalogue;
    const read = { catalogue: createCatalogue(await lytics.audiences(options)), readAt: Date.now() };
    catalogues.set(lytics, read);
    return read.catalogue;
  }

  /** The rows' audiences in Gigya's words; a name that is not listed may be of a new audience. */
  async function readMemberships(
    lytics: Lytics,
    named: Map<string, string[]>,
    config: JobConfig,
    options: CallOptions,
  ) {
    let catalogue = await catalogueOf(lytics, CATALOGUE_AGE_MS, options);
    const isListed = (name: string) => catalogue.find(name) !== undefined;
    if (![...named.values()].flat().every(isListed)) catalogue = await catalogueOf(lytics, 5_000, options);
    const unlisted = new Set<string>();
    const memberships = new Map<string, string[]>();
    for (const [uid, names] of named) {
      const membership = membershipOf(names, catalogue, config);
      memberships.set(uid, membership.labels);
      for (const name of membership.unlisted) unlisted.add(name);
    }
    return { memberships, unlisted: [...unlisted].sort() };
  }

  return ({ plan, cursor, seen }: PageToFetch): Promise<FetchedPage> =>
    runAttempt(async (attempt) => {
      const { config, auth_ids } = plan.job;
      const lytics = await connections.lytics(auth_ids);
      const { authorization } = await connections.gigya(auth_ids);
      const key = sealingKey(authorization);
      const scan = await scanRows(lytics, plan.audience.id, cursor, seen, key, attempt);

      const failures: Failures = {};
      const fail = (reason: string, count: number) => {
        if (count > 0) failures[reason] = (failures[reason] ?? 0) + count;
      };
      let count = 0;
      let withoutId = 0;
      const copies = new Map<string, number>();
      const named = new Map<string, string[]>();
      const profiles = await lookUpSilent(lytics, scan.rows, config, attempt);
      for (const row of scan.rows) {
        const { uids, imprecise } = uidsIn(row, config.gigya_id_field);
        count += Math.max(1, uids.length + imprecise);
        fail('imprecise_id', imprecise);
        if (uids.length === 0 && imprecise === 0) withoutId++;
        const names = audiencesIn(row, config) ?? profiles.get(row);
        if (!names) {
          fail('not_in_lytics', uids.length);
          continue;
        }
        for (const uid of uids) {
          copies.set(uid, (copies.get(uid) ?? 0) + 1);
          named.set(uid, [...(named.get(uid) ?? []), ...names]);
        }
      }
      const { memberships, unlisted } = await readMemberships(lytics, named, config, attempt.reading);
      const users = pageOf(memberships, copies);
      return {
        page: users.users.length > 0 ? await sealPage(users, key) : null,
        count,
        rows: scan.rows.length,
        no_gigya_id: withoutId,
        failures,
        duplicates: [...copies.values()].reduce((sum, times) => sum + times - 1, 0),
        unlisted: unlisted.slice(0, 20),
        next: scan.next,
        total: scan.total,
        lossy: scan.lossy,
        expired: scan.expired,
      };
    });
}

interface Scan {
  rows: Row[];
  next: Cursor | null;
  total: number | null;
  lossy: boolean;
  expired: boolean;
}

async function scanRows(
  lytics: Lytics,
  audienceId: string,
  cursor: Cursor,
  seen: number,
  key: Uint8Array,
  attempt: Attempt,
): Promise<Scan> {
  const rows: Row[] = [];
  let { start, before } = cursor;
  let total: number | null = null;
  let bytes = 0;
  let repeats = 0;
  // An earlier attempt may have moved a scroll position on.
  let lossy = attempt.number > 1;
  const end = (next: Cursor | null): Scan => ({ rows, next, total, lossy, expired: false });

  while (rows.length < BATCH && bytes < BATCH_BYTES) {
    let page: ScanPage;
    try {
      page = await lytics.scan(audienceId, start, attempt.reading);
    } catch (error) {
      if (!(error instanceof LyticsError) || !['not_found', 'refused'].includes(error.kind)) throw error;
      await assertExists(lytics, audienceId, error, attempt.reading);
      if (start === '') throw error;
      return { rows: [], next: null, total, lossy, expired: true };
    }
    lossy ||= page.retried;
    total = page.total ?? total;
    if (page.rows.length === 0) return end(null);

    const fingerprints = page.rows.map((row) => fingerprint(row, key));
    const known = new Set(split(before));
    const isRepeat = before !== '' && fingerprints.every((print) => known.has(print));
    if (isRepeat) {
      // Mostly this is how a scan ends. In the midst of one it is a page too many: ask on, and let the total decide.
      const isShort = total !== null && seen + rows.length < total;
      if (page.next === '' || !isShort) return end(null);
      if (++repeats > REPEATS) {
        lossy = true;
        return end(null);
      }
    } else {
      rows.push(...page.rows);
      before = fingerprints.join('');
      bytes += JSON.stringify(page.rows.map((row) => row['segments'] ?? [])).length + page.rows.length * 100;
    }
    if (page.next === '') return end(null);
    start = page.next;
  }
  return end({ start, before });
}

async function assertExists(
  lytics: Lytics,
  audienceId: string,
  scanError: LyticsError,
  options: CallOptions,
) {
  await lytics.audience(audienceId, options).catch((error: unknown) => {
    if (!(error instanceof LyticsError) || error.kind !== 'not_found') throw error;
    const fix = 'create it anew, or choose another in config.segment_id';
    throw finalFailure(
      'Configuration',
      `The audience is not in Lytics any more (${scanError.message}); ${fix}`,
    );
  });
}

/** The audiences of the users whose rows do not tell them. */
async function lookUpSilent(lytics: Lytics, rows: readonly Row[], config: JobConfig, attempt: Attempt) {
  const found = new Map<Row, string[] | undefined>();
  await pMap(
    rows.filter((row) => audiencesIn(row, config) === undefined),
    async (row) => {
      const [uid] = uidsIn(row, config.gigya_id_field).uids;
      if (uid !== undefined) found.set(row, await lookUp(lytics, uid, config, attempt.reading));
    },
    { concurrency: LOOK_UPS_AT_ONCE },
  );
  return found;
}

/** The audiences by the user's profile; undefined when Lytics does not find the user by this field. */
async function lookUp(lytics: Lytics, uid: string, config: JobConfig, options: CallOptions) {
  const profile = await lytics.profile(config.gigya_id_field, uid, options).catch((error: unknown) => {
    // One user that Lytics refuses to look up must not hold up the page.
    if (error instanceof LyticsError && error.kind === 'refused') return undefined;
    throw error;
  });
  return profile && (audiencesIn(profile, config) ?? []);
}

function pageOf(memberships: Map<string, string[]>, copies: Map<string, number>): Page {
  const positions = new Map<string, number>();
  const positionOf = (label: string) => {
    const known = positions.get(label) ?? positions.size;
    positions.set(label, known);
    return known;
  };
  const users = [...memberships].map(([uid, labels]): Page['users'][number] => [
    uid,
    labels.map(positionOf),
    copies.get(uid) ?? 1,
  ]);
  return { audiences: [...positions.keys()], users };
}

/** Keyed, so that the history tells nothing of the row. Lists count as sets: Lytics promises no order of the audiences. */
function fingerprint(row: Row, key: Uint8Array): string {
  return createHmac('sha256', key)
    .update(JSON.stringify(row, (_name, value) => (Array.isArray(value) ? [...value].sort() : value)))
    .digest('base64url')
    .slice(0, FINGERPRINT_LENGTH);
}

function split(fingerprints: string): string[] {
  return fingerprints.match(new RegExp(`.{${FINGERPRINT_LENGTH}}`, 'g')) ?? [];
}
