import { figure } from '../figures.ts';
import type { Settings } from '../settings.ts';
import type { World } from '../world.ts';
import { type Document, sort } from './documents.ts';
import { GigyaFailure } from './envelope.ts';
import { type AccountType, accountTypes, searchRows } from './lite.ts';
import { invalid, type Parameters } from './parameters.ts';
import { fieldsOf, parseQuery, type Query } from './query.ts';
import { matches, project, requiredValues } from './queryMatch.ts';
import { QueryError } from './queryTokens.ts';
import type { GigyaState, Store } from './state.ts';

const defaultLimit = 300;
const maxLimit = 10_000;
const maxWithoutCursor = 5_000;
const maxBatch = 1_000;
/** Nobody comes back to a cursor an hour after its last use. */
const forgetAfterMs = 3_600_000;

const accountFields =
  /^(UID|data|data\..+|profile|profile\..+|isRegistered|isActive|isVerified|isLite|created|createdTimestamp|lastUpdated|lastUpdatedTimestamp)$/;
const objectFields = /^(UID|oid|data|data\..+|created|lastUpdated)$/;

/** accounts.search, or ds.search (the type stands in the query's FROM). */
export type Searched = 'accounts' | 'ds';

type Rules = Settings['gigya'];

function select(documents: Iterable<Document | undefined>, query: Query, { contains }: Rules): Document[] {
  const { where } = query;
  const found: Document[] = [];
  for (const document of documents)
    if (document && (!where || matches(document, where, contains))) found.push(document);
  return sort(found, query.orderBy);
}

/** Looks UIDs up instead of reading every account, where the query names them. */
function findAccounts(
  gigya: GigyaState,
  query: Query,
  types: readonly AccountType[],
  rules: Rules,
): Document[] {
  const documents = gigya.index.documents();
  const uids = requiredValues(query.where, 'UID');
  const candidates = uids ? [...uids].map((uid) => documents.get(String(uid))) : documents.values();
  return select(rowsOf(candidates, types, rules.liteShare), query, rules);
}

function* rowsOf(
  accounts: Iterable<Document | undefined>,
  types: readonly AccountType[],
  liteShare: number,
): Generator<Document> {
  for (const account of accounts) if (account) yield* searchRows(account, types, liteShare);
}

function findObjects(store: Store, query: Query, rules: Rules): Document[] {
  const documents = store.index.documents();
  for (const field of ['UID', 'oid']) {
    const values = requiredValues(query.where, field);
    if (!values) continue;
    const keys = new Set([...values].flatMap((value) => [...store.index.lookup(field, String(value))]));
    return select(
      [...keys].map((key) => documents.get(key)),
      query,
      rules,
    );
  }
  return select(documents.values(), query, rules);
}

export type CursorOrder = {
  id: string;
  query: string;
  /** Undefined is accounts.search. */
  store: Store | undefined;
  types: readonly AccountType[];
};

/** A cursor shows what the index held when it was opened. */
export function openCursor(gigya: GigyaState, order: CursorOrder, rules: Rules, now: number): void {
  for (const [old, { usedAt }] of gigya.cursors) if (now - usedAt > forgetAfterMs) gigya.cursors.delete(old);
  const query = parseQuery(order.query);
  gigya.cursors.set(order.id, {
    of: order.store ? 'ds' : 'accounts',
    documents: order.store
      ? findObjects(order.store, query, rules)
      : findAccounts(gigya, query, order.types, rules),
    select: query.select,
    limit: Math.min(limitOf(query, rules), maxBatch),
    usedAt: now,
  });
}

function limitOf({ limit = defaultLimit }: Query, { limitOverMaximum }: Rules): number {
  if (limit <= maxLimit) return limit;
  return limitOverMaximum === 'default' ? defaultLimit : maxLimit;
}

const cursorName = (id: string, position: number) => Buffer.from(`${id} ${position}`).toString('base64url');

function cursorPage(world: World, name: string, of: Searched): Record<string, unknown> {
  const { cursorLifeSeconds, cursorErrorCode, shortBatches, totalCount } = world.settings().gigya;
  const [id = '', text = ''] = Buffer.from(name, 'base64url').toString().split(' ');
  const cursor = world.gigya.cursors.get(id);
  const position = Number(text);
  const dead = !cursor || world.now() - cursor.usedAt > cursorLifeSeconds * 1000;
  if (dead || cursor.of !== of || !Number.isInteger(position))
    throw new GigyaFailure(cursorErrorCode, 'Invalid parameter value: cursorId (unknown or expired)');
  world.commit({ type: 'cursor.used', id });
  const share = shortBatches ? 0.5 + world.random.next() / 2 : 1;
  const size = Math.max(1, Math.floor(cursor.limit * share));
  const batch = cursor.documents.slice(position, position + size);
  const next = position + batch.length;
  return {
    results: batch.map((document) => project(document, cursor.select)),
    objectsCount: batch.length,
    totalCount: figure(cursor.documents.length, totalCount),
    ...(next < cursor.documents.length && { nextCursorId: cursorName(id, next) }),
  };
}

function typesFrom(text: string | undefined): AccountType[] {
  const names = (text || 'full').split(',').map((name) => name.trim());
  const types = accountTypes.filter((type) => names.includes(type));
  if (types.length < names.length) throw invalid('accountTypes');
  return types;
}

export function search(world: World, parameters: Parameters, of: Searched): Record<string, unknown> {
  const cursorId = parameters.get('cursorId');
  const text = parameters.get('query');
  if (cursorId !== undefined) {
    for (const name of ['query', 'openCursor'])
      if (parameters.has(name)) throw invalid(name, 'a later call sends only cursorId');
    return cursorPage(world, cursorId, of);
  }
  const rules = world.settings().gigya;
  if (!text) throw new GigyaFailure(400002, 'Missing required parameter: query');
  if (text.length > rules.maxQueryLength) throw new GigyaFailure(500001);

  const query = readQuery(text, of);
  const types = typesFrom(parameters.get('accountTypes'));
  const opened = parameters.get('openCursor') ?? 'false';
  if (opened !== 'true' && opened !== 'false') throw invalid('openCursor');
  if (opened === 'false') return oneAnswer(world, query, of, types);

  if (query.select.kind === 'count') throw invalid('openCursor', 'there is no cursor over count(*)');
  if (query.start > 0) throw invalid('openCursor', 'START does not go with a cursor');
  const id = world.random.hex(24);
  world.commit({ type: 'cursor.open', id, store: of === 'ds' ? query.from : null, query: text, types });
  return cursorPage(world, cursorName(id, 0), of);
}

function oneAnswer(
  world: World,
  query: Query,
  of: Searched,
  types: readonly AccountType[],
): Record<string, unknown> {
  const rules = world.settings().gigya;
  if (query.start >= maxWithoutCursor)
    throw invalid('query', `START is below ${maxWithoutCursor} without a cursor`);
  const found =
    of === 'ds'
      ? findObjects(world.store(query.from), query, rules)
      : findAccounts(world.gigya, query, types, rules);
  const totalCount = figure(found.length, rules.totalCount);
  if (query.select.kind === 'count')
    return { results: [{ 'count(*)': found.length }], objectsCount: 1, totalCount };
  const end = Math.min(query.start + limitOf(query, rules), maxWithoutCursor);
  const results = found.slice(query.start, end).map((document) => project(document, query.select));
  return { results, objectsCount: results.length, totalCount };
}

function readQuery(text: string, of: Searched): Query {
  const query = (() => {
    try {
      return parseQuery(text);
    } catch (error) {
      if (error instanceof QueryError) throw invalid('query', error.message);
      throw error;
    }
  })();
  if (of === 'accounts' && query.from !== 'accounts' && query.from !== 'account')
    throw invalid('query', `FROM ${query.from}`);
  const known = of === 'accounts' ? accountFields : objectFields;
  const unknown = fieldsOf(query).find((field) => !known.test(field));
  if (unknown !== undefined) throw invalid('query', `unknown field ${unknown}`);
  return query;
}
