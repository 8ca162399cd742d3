import type { ScanOrder } from './events.ts';
import type { FaultAction } from './faults.ts';
import { FilterError, parseFilter } from './lytics/filterql.ts';
import { type Audience, audiencesOf, type Row, type Scan } from './lytics/state.ts';
import type { World } from './world.ts';

export type LyticsRequest = {
  verb: string;
  /** Not decoded: a value in it may hold an encoded slash. */
  path: string;
  query: URLSearchParams;
  authorization: string | undefined;
  contentType: string | undefined;
  body: string;
};

export type LyticsReply = { httpStatus: number; headers: Record<string, string>; body: string };

class LyticsFailure extends Error {
  override name = 'LyticsFailure';
  constructor(
    readonly status: number,
    message: string,
    readonly headers: Record<string, string> = {},
  ) {
    super(message);
  }
}

const maxPage = 100;
const notFound = (what: string) => new LyticsFailure(404, `${what} not found`);

type Route = { name: string; parts: string[] };

const routes: [name: string, verb: string, pattern: RegExp][] = [
  ['segments', 'GET', /^\/v2\/segment\/?$/],
  ['segment', 'GET', /^\/v2\/segment\/([^/]+)$/],
  ['adhoc_scan', 'POST', /^\/api\/segment\/scan$/],
  ['scan', 'GET', /^\/api\/segment\/([^/]+)\/scan$/],
  ['entity', 'GET', /^\/api\/entity\/user\/([^/]+)\/([^/]+)$/],
];

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function routeOf(verb: string, path: string): Route {
  for (const [name, wanted, pattern] of routes) {
    const found = verb === wanted ? pattern.exec(path) : null;
    if (found) return { name, parts: found.slice(1).map(decode) };
  }
  return { name: 'unknown', parts: [] };
}

const isV2 = (path: string) => path.startsWith('/v2/');

function send(
  world: World,
  status: number,
  body: Record<string, unknown>,
  headers: Record<string, string> = {},
): LyticsReply {
  const told = world.settings().lytics.statusAsString ? String(status) : status;
  return { httpStatus: status, headers, body: JSON.stringify({ ...body, status: told }) };
}

function fail(world: World, path: string, { status, message, headers }: LyticsFailure): LyticsReply {
  const inV2 = isV2(path) && (status !== 401 || world.settings().lytics.v2Unauthorized === 'v2');
  const body = inV2
    ? { errors: [{ code: status, message }], request_id: world.random.hex(32) }
    : { data: null, message };
  return send(world, status, body, headers);
}

const number = (world: World, value: number) =>
  world.settings().lytics.numbersAsStrings ? String(value) : value;

function describe(world: World, audience: Audience, withSize: boolean): Record<string, unknown> {
  return {
    id: audience.id,
    slug_name: audience.slug,
    name: audience.name,
    public_name: audience.publicName,
    is_public: audience.isPublic,
    kind: audience.kind,
    table: 'user',
    ...(withSize && { size: number(world, world.lytics.members(audience.id).size) }),
  };
}

function needTable(query: URLSearchParams): void {
  const table = query.get('table') ?? 'user';
  if (table !== 'user') throw new LyticsFailure(400, `unknown table ${table}`);
}

function shuffled<T>(world: World, list: T[]): T[] {
  return world.settings().lytics.shuffleSegments ? world.random.sample(list, list.length) : list;
}

function publicSegments(world: World, rows: Row[]): string[] {
  const { segmentsAs } = world.settings().lytics;
  const open = rows.flatMap((row) => audiencesOf(world.lytics, row)).filter(({ isPublic }) => isPublic);
  return shuffled(world, [...new Set(open.map(({ slug, name }) => (segmentsAs === 'slug' ? slug : name)))]);
}

function renderRow(world: World, row: Row, fields: string[] | null): Record<string, unknown> {
  const { rowSegments, fieldsDropSegments } = world.settings().lytics;
  const carries = rowSegments === 'all' || (rowSegments === 'some' && row.key % 2 === 0);
  const asked = fields === null || !fieldsDropSegments || fields.includes('segments');
  const rendered: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(row.fields))
    if (!fields || fields.includes(name)) rendered[name] = value;
  if (carries && asked) rendered.segments = publicSegments(world, [row]);
  return rendered;
}

const cursorOf = (world: World, id: string, position: number) =>
  Buffer.from(
    world.settings().lytics.cursor === 'scroll' ? `scroll ${id}` : `page ${id} ${position}`,
  ).toString('base64url');

function deadCursor(world: World): LyticsFailure {
  return new LyticsFailure(world.settings().lytics.cursorErrorStatus, 'invalid or expired start');
}

/** The scan a cursor belongs to and where in it the cursor stands. */
function resume(world: World, start: string): { id: string; scan: Scan; position: number } {
  const [kind, id = '', text] = Buffer.from(start, 'base64url').toString().split(' ');
  const scan = world.lytics.scans.get(id);
  if (!scan || world.now() - scan.usedAt > world.settings().lytics.cursorLifeSeconds * 1000)
    throw deadCursor(world);
  const position = kind === 'scroll' ? scan.position : Number(text);
  if (!Number.isInteger(position)) throw deadCursor(world);
  return { id, scan, position };
}

function page(
  world: World,
  request: LyticsRequest,
  order: () => ScanOrder,
  twist: FaultAction | undefined,
): LyticsReply {
  const { query } = request;
  const { defaultLimit, lastPage } = world.settings().lytics;
  const limitText = query.get('limit');
  if (limitText !== null && !/^\d+$/.test(limitText)) throw new LyticsFailure(400, 'invalid limit');
  // At most 100 rows whatever is asked.
  const limit = Math.min(Number(limitText ?? 0) || defaultLimit, maxPage);
  const fields =
    query
      .get('fields')
      ?.split(',')
      .map((field) => field.trim()) ?? null;
  const start = query.get('start') ?? '';
  if (twist?.kind === 'expired_cursor' && start) throw deadCursor(world);

  const { id, scan, position } = start ? resume(world, start) : open(world, order());
  const total = scan.keys.length;
  const again = position >= total && lastPage === 'same_page' && total > 0;
  const repeated = twist?.kind === 'repeat_page' && position > 0;
  const from = again
    ? Math.floor((total - 1) / limit) * limit
    : repeated
      ? Math.max(0, Math.min(position, total) - limit)
      : position;
  const to = again ? total : repeated ? position : Math.min(position + limit, total);
  world.commit({ type: 'scan.used', id, position: to });

  const rows = scan.keys.slice(from, to).flatMap((key) => world.lytics.rows.get(key) ?? []);
  const more =
    to < total ||
    (total > 0 && (lastPage === 'same_page' || (lastPage === 'empty_page' && position < total)));
  return send(world, 200, {
    message: 'success',
    _next: more ? cursorOf(world, id, to) : '',
    total: number(world, total + (twist?.kind === 'total' ? twist.add : 0)),
    data: rows.map((row) => renderRow(world, row, fields)),
  });
}

function open(world: World, order: ScanOrder): { id: string; scan: Scan; position: number } {
  const id = world.random.hex(24);
  world.commit({ type: 'scan.open', id, scan: order });
  const scan = world.lytics.scans.get(id);
  if (!scan) throw deadCursor(world);
  return { id, scan, position: 0 };
}

function orderFrom(query: URLSearchParams, audience: string | null, filter: string | null): ScanOrder {
  const splits = query.get('splits')?.split(',') ?? null;
  if (splits?.some((split) => !/^\d{1,2}$/.test(split.trim())))
    throw new LyticsFailure(400, 'invalid splits');
  const sortOrder = query.get('sortorder') ?? 'asc';
  if (sortOrder !== 'asc' && sortOrder !== 'desc') throw new LyticsFailure(400, 'invalid sortorder');
  return {
    audience,
    filter,
    splits: splits?.map(Number) ?? null,
    sortField: query.get('sortfield'),
    descending: sortOrder === 'desc',
  };
}

function scan(
  world: World,
  request: LyticsRequest,
  idOrSlug: string,
  twist: FaultAction | undefined,
): LyticsReply {
  needTable(request.query);
  const audience = world.lytics.audience(idOrSlug);
  if (!audience || twist?.kind === 'audience_deleted') throw notFound('segment');
  // Not "give me the segments" but an ad-hoc audience in the place of the path's.
  const adHoc = request.query.get('segments');
  const other = adHoc === null ? audience : world.lytics.audience(adHoc);
  if (!other) throw new LyticsFailure(400, `invalid segment definition: ${adHoc}`);
  return page(world, request, () => orderFrom(request.query, other.id, null), twist);
}

function adHocScan(world: World, request: LyticsRequest, twist: FaultAction | undefined): LyticsReply {
  needTable(request.query);
  const type = request.contentType?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'text/plain')
    throw new LyticsFailure(400, `expected FilterQL as text/plain, not ${type ?? 'nothing'}`);
  try {
    parseFilter(request.body);
    return page(world, request, () => orderFrom(request.query, null, request.body), twist);
  } catch (error) {
    if (error instanceof FilterError) throw new LyticsFailure(400, `invalid FilterQL: ${error.message}`);
    throw error;
  }
}

/** Fields a user can be looked up by. */
const byFields = (world: World) => [...new Set(['_id', 'email', world.population.idField])];

function entity(
  world: World,
  request: LyticsRequest,
  field: string,
  value: string,
  twist: FaultAction | undefined,
): LyticsReply {
  const { query } = request;
  const fields = byFields(world);
  const meta = { format: 'json', name: 'user', by_fields: fields };
  const [withPublic, withAll] = [query.get('segments') === 'true', query.get('allsegments') === 'true'];
  const rows = fields.includes(field) ? world.lytics.find(field, value) : [];
  const [first] = rows;
  // An unknown user is a 200, with two segments that are none.
  if (!first || twist?.kind === 'timed_out')
    return send(world, 200, {
      meta,
      data: { ...(withPublic && { segments: ['not_found', 'all'] }), ...(withAll && { segments_all: [] }) },
      message: twist?.kind === 'timed_out' ? 'Timed out' : 'Not Found',
    });
  const wanted = query
    .get('fields')
    ?.split(',')
    .map((name) => name.trim());
  const profile = Object.fromEntries(
    Object.entries(first.fields).filter(([name]) => !wanted || wanted.includes(name)),
  );
  const ids = rows.flatMap((row) => audiencesOf(world.lytics, row).map(({ id }) => id));
  return send(world, 200, {
    meta,
    data: {
      ...profile,
      ...(withPublic && { segments: publicSegments(world, rows) }),
      ...(withAll && { segments_all: shuffled(world, [...new Set(ids)]) }),
    },
    message: 'success',
  });
}

function list(world: World, { query }: LyticsRequest): LyticsReply {
  needTable(query);
  const kind = query.get('kind') ?? 'segment';
  const audiences = [...world.lytics.audiences.values()].filter((one) => kind === 'all' || one.kind === kind);
  return send(world, 200, {
    data: audiences.map((audience) => describe(world, audience, true)),
    request_id: world.random.hex(32),
  });
}

function one(
  world: World,
  { query }: LyticsRequest,
  idOrSlug: string,
  twist: FaultAction | undefined,
): LyticsReply {
  const audience = world.lytics.audience(idOrSlug);
  if (!audience || twist?.kind === 'audience_deleted') throw notFound('segment');
  return send(world, 200, {
    data: describe(world, audience, query.get('sizes') === 'true'),
    request_id: world.random.hex(32),
  });
}

function route(world: World, request: LyticsRequest, twist: FaultAction | undefined): LyticsReply {
  // The token stands alone: a scheme word before it makes it another token.
  if (request.authorization !== world.keys.lyticsToken || world.settings().lytics.tokenRevoked)
    throw new LyticsFailure(401, 'Not authorized');
  const { name, parts } = routeOf(request.verb, request.path);
  const [first = '', second = ''] = parts;
  if (name === 'segments') return list(world, request);
  if (name === 'segment') return one(world, request, first, twist);
  if (name === 'scan') return scan(world, request, first, twist);
  if (name === 'adhoc_scan') return adHocScan(world, request, twist);
  if (name === 'entity') return entity(world, request, first, second, twist);
  throw notFound('endpoint');
}

/** `twist`: a fault that changes the answer rather than replacing it. */
export function answerLytics(
  world: World,
  request: LyticsRequest,
  twist: FaultAction | undefined,
): LyticsReply {
  try {
    if (twist?.kind === 'lytics_error') {
      const { status, message, retryAfterSeconds } = twist;
      const headers = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
      throw new LyticsFailure(status, message ?? `fault ${status}`, headers);
    }
    return route(world, request, twist);
  } catch (error) {
    if (error instanceof LyticsFailure) return fail(world, request.path, error);
    throw error;
  }
}
