import type { World } from '../world.ts';
import { GigyaFailure } from './envelope.ts';
import { invalid, type Parameters } from './parameters.ts';
import {
  type Document,
  fieldsOf,
  matches,
  parseQuery,
  project,
  type Query,
  QueryError,
  requiredValues,
  sort,
} from './query.ts';
import type { GigyaState, Store } from './state.ts';

const defaultLimit = 300;
const maxLimit = 10_000;
const maxWithoutCursor = 5_000;
const maxBatch = 1_000;

const accountFields =
  /^(UID|data|data\..+|profile|profile\..+|isRegistered|isActive|isVerified|created|createdTimestamp|lastUpdated|lastUpdatedTimestamp)$/;
const objectFields = /^(UID|oid|data|data\..+|created|lastUpdated)$/;

function run(
  documents: ReadonlyMap<string, Document>,
  candidates: Iterable<string> | undefined,
  query: Query,
): Document[] {
  const { where } = query;
  const found: Document[] = [];
  const consider = (document: Document | undefined) => {
    if (document && (!where || matches(document, where))) found.push(document);
  };
  if (candidates) for (const key of candidates) consider(documents.get(key));
  else for (const document of documents.values()) consider(document);
  return sort(found, query.orderBy);
}

/** Looks `UID` and `oid` up instead of reading everything, where the query names them. */
function find(gigya: GigyaState, store: Store | undefined, query: Query): Document[] {
  if (!store) {
    const uids = requiredValues(query.where, 'UID');
    return run(gigya.index.documents(), uids && [...uids].map(String), query);
  }
  for (const field of ['UID', 'oid']) {
    const values = requiredValues(query.where, field);
    if (!values) continue;
    const keys = new Set([...values].flatMap((value) => [...store.index.lookup(field, String(value))]));
    return run(store.index.documents(), keys, query);
  }
  return run(store.index.documents(), undefined, query);
}

export function openCursor(
  gigya: GigyaState,
  store: Store | undefined,
  id: string,
  text: string,
  now: number,
): void {
  // Dead ones go when a new one comes: none is asked for an hour after its last use.
  for (const [old, { usedAt }] of gigya.cursors) if (now - usedAt > 3_600_000) gigya.cursors.delete(old);
  const query = parseQuery(text);
  gigya.cursors.set(id, {
    documents: find(gigya, store, query),
    select: query.select,
    limit: query.limit ?? defaultLimit,
    usedAt: now,
  });
}

const cursorName = (id: string, position: number) => Buffer.from(`${id} ${position}`).toString('base64url');

function cursorPage(world: World, name: string): Record<string, unknown> {
  const { gigya } = world;
  const { cursorLifeSeconds, cursorErrorCode, shortBatches } = world.settings().gigya;
  const [id = '', text = ''] = Buffer.from(name, 'base64url').toString().split(' ');
  const cursor = gigya.cursors.get(id);
  const position = Number(text);
  if (!cursor || !Number.isInteger(position) || world.now() - cursor.usedAt > cursorLifeSeconds * 1000)
    throw new GigyaFailure(cursorErrorCode, 'Invalid parameter value: cursorId (unknown or expired)');
  world.commit({ type: 'cursor.used', id });
  const size = shortBatches
    ? Math.max(1, Math.floor(cursor.limit * (0.5 + world.random.next() / 2)))
    : cursor.limit;
  const batch = cursor.documents.slice(position, position + size);
  const next = position + batch.length;
  return {
    results: batch.map((document) => project(document, cursor.select)),
    objectsCount: batch.length,
    totalCount: cursor.documents.length,
    ...(next < cursor.documents.length && { nextCursorId: cursorName(id, next) }),
  };
}

/** accounts.search where `of` is undefined, ds.search otherwise (the type stands in the query's FROM). */
export function search(world: World, parameters: Parameters, of: 'accounts' | 'ds'): Record<string, unknown> {
  const cursorId = parameters.get('cursorId');
  const text = parameters.get('query');
  if (cursorId !== undefined) {
    for (const name of ['query', 'openCursor'])
      if (parameters.has(name)) throw invalid(name, 'a later call sends only cursorId');
    return cursorPage(world, cursorId);
  }
  if (!text) throw new GigyaFailure(400002, 'Missing required parameter: query');
  if (text.length > world.settings().gigya.maxQueryLength) throw new GigyaFailure(500001);

  const query = readQuery(text);
  if (of === 'accounts' && query.from !== 'accounts') throw invalid('query', `FROM ${query.from}`);
  const known = of === 'accounts' ? accountFields : objectFields;
  const unknown = fieldsOf(query).find((field) => !known.test(field));
  if (unknown !== undefined) throw invalid('query', `unknown field ${unknown}`);
  if ((query.limit ?? 0) > maxLimit) throw invalid('query', `LIMIT is at most ${maxLimit}`);

  const opened = parameters.get('openCursor');
  if (opened !== undefined && opened !== 'true' && opened !== 'false') throw invalid('openCursor');
  const store = of === 'accounts' ? undefined : world.store(query.from);
  if (opened === 'true') {
    if (query.select.kind === 'count') throw invalid('openCursor', 'there is no cursor over count(*)');
    if (query.start > 0) throw invalid('openCursor', 'START does not go with a cursor');
    if ((query.limit ?? defaultLimit) > maxBatch)
      throw invalid('query', `LIMIT is at most ${maxBatch} with a cursor`);
    const id = world.random.hex(24);
    world.commit({ type: 'cursor.open', id, store: of === 'accounts' ? null : query.from, query: text });
    return cursorPage(world, cursorName(id, 0));
  }

  if (query.start >= maxWithoutCursor)
    throw invalid('query', `START is below ${maxWithoutCursor} without a cursor`);
  const found = find(world.gigya, store, query);
  if (query.select.kind === 'count')
    return { results: [{ 'count(*)': found.length }], objectsCount: 1, totalCount: 1 };
  const end = Math.min(query.start + (query.limit ?? defaultLimit), maxWithoutCursor);
  const results = found.slice(query.start, end).map((document) => project(document, query.select));
  return { results, objectsCount: results.length, totalCount: found.length };
}

function readQuery(text: string): Query {
  try {
    return parseQuery(text);
  } catch (error) {
    if (error instanceof QueryError) throw invalid('query', error.message);
    throw error;
  }
}
