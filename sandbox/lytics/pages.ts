import type { ScanOrder } from '../events.ts';
import type { FaultAction } from '../faults.ts';
import type { World } from '../world.ts';
import {
  LyticsFailure,
  type LyticsReply,
  type LyticsRequest,
  listFrom,
  lyticsFigure,
  needTable,
  notFound,
  sendV1,
} from './envelope.ts';
import { FilterError, parseFilter } from './filterql.ts';
import { renderRow } from './rows.ts';
import type { Scan } from './state.ts';

type Twist = FaultAction | undefined;
type Place = { id: string; scan: Scan; position: number };

/** Whatever limit is asked. */
const maxPage = 100;

const cursorOf = (world: World, id: string, position: number) =>
  Buffer.from(
    world.settings().lytics.cursor === 'scroll' ? `scroll ${id}` : `page ${id} ${position}`,
  ).toString('base64url');

function deadCursor(world: World): LyticsFailure {
  return new LyticsFailure(world.settings().lytics.cursorErrorStatus, 'invalid or expired start');
}

/** The scan a cursor belongs to and where in it the cursor stands. */
function resume(world: World, start: string): Place {
  const [kind, id = '', text] = Buffer.from(start, 'base64url').toString().split(' ');
  const scan = world.lytics.scans.get(id);
  if (!scan || world.now() - scan.usedAt > world.settings().lytics.cursorLifeSeconds * 1000)
    throw deadCursor(world);
  const position = kind === 'scroll' ? scan.position : Number(text);
  if (!Number.isInteger(position)) throw deadCursor(world);
  return { id, scan, position };
}

function open(world: World, order: ScanOrder): Place {
  const id = world.random.hex(24);
  world.commit({ type: 'scan.open', id, scan: order });
  const scan = world.lytics.scans.get(id);
  if (!scan) throw deadCursor(world);
  return { id, scan, position: 0 };
}

/** What part of a scan a page shows. */
function extent(world: World, position: number, end: number, limit: number, twist: Twist) {
  const { lastPage } = world.settings().lytics;
  if (position >= end && lastPage === 'same_page' && end > 0)
    return { from: Math.floor((end - 1) / limit) * limit, to: end };
  if (twist?.kind === 'repeat_page' && position > 0)
    return { from: Math.max(0, Math.min(position, end) - limit), to: position };
  return { from: position, to: Math.min(position + limit, end) };
}

function limitFrom(world: World, query: URLSearchParams): number {
  const text = query.get('limit') ?? '';
  if (!/^\d*$/.test(text)) throw new LyticsFailure(400, 'invalid limit');
  return Math.min(Number(text) || world.settings().lytics.defaultLimit, maxPage);
}

function page(world: World, { query }: LyticsRequest, order: () => ScanOrder, twist: Twist): LyticsReply {
  const { lastPage, endAfterRows, optionalKeys, total: told } = world.settings().lytics;
  const limit = limitFrom(world, query);
  const fields = listFrom(query, 'fields');
  const start = query.get('start') ?? '';
  if (twist?.kind === 'expired_cursor' && start) throw deadCursor(world);

  const { id, scan, position } = start ? resume(world, start) : open(world, order());
  const total = scan.keys.length;
  const end = Math.min(total, endAfterRows ?? total);
  const { from, to } = extent(world, position, end, limit, twist);
  world.commit({ type: 'scan.used', id, position: to });

  const goesOn = lastPage === 'same_page' || (lastPage === 'empty_page' && position < end);
  const more = to < end || (end > 0 && goesOn);
  const rows = scan.keys.slice(from, to).flatMap((key) => world.lytics.rows.get(key) ?? []);
  return sendV1(world, {
    _next: more ? cursorOf(world, id, to) : optionalKeys === 'null' ? null : '',
    total: lyticsFigure(world, total + (twist?.kind === 'total' ? twist.add : 0), told),
    data: rows.map((row) => renderRow(world, row, fields, scan.audiences)),
  });
}

function splitsFrom(world: World, query: URLSearchParams): number[] | null {
  const splits = listFrom(query, 'splits');
  if (splits === null || world.settings().lytics.splits === 'ignored') return null;
  if (world.settings().lytics.splits === 'refused') throw new LyticsFailure(400, 'splits are not supported');
  if (splits.some((split) => !/^\d{1,2}$/.test(split))) throw new LyticsFailure(400, 'invalid splits');
  return splits.map(Number);
}

function orderFrom(
  world: World,
  query: URLSearchParams,
  of: Pick<ScanOrder, 'audience' | 'filter'>,
): ScanOrder {
  const splits = splitsFrom(world, query);
  const sortOrder = query.get('sortorder') ?? 'asc';
  if (sortOrder !== 'asc' && sortOrder !== 'desc') throw new LyticsFailure(400, 'invalid sortorder');
  return { ...of, splits, sortField: query.get('sortfield'), descending: sortOrder === 'desc' };
}

export function scan(world: World, request: LyticsRequest, idOrSlug: string, twist: Twist): LyticsReply {
  const { query } = request;
  needTable(query);
  const audience = world.lytics.audience(idOrSlug);
  if (!audience) throw notFound('segment');
  // `segments` is not "include the segments": it puts an ad-hoc audience in the place of the path's.
  const adHoc = query.get('segments');
  const scanned = adHoc === null ? audience : world.lytics.audience(adHoc);
  if (!scanned) throw new LyticsFailure(400, `invalid segment definition: ${adHoc}`);
  return page(world, request, () => orderFrom(world, query, { audience: scanned.id, filter: null }), twist);
}

export function adHocScan(world: World, request: LyticsRequest, _: string, twist: Twist): LyticsReply {
  const { query, body, contentType } = request;
  const { adHocScan: refusal } = world.settings().lytics;
  if (refusal !== 'on') throw new LyticsFailure(refusal, 'ad-hoc scans are not available');
  needTable(query);
  const type = contentType?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'text/plain')
    throw new LyticsFailure(400, `expected FilterQL as text/plain, not ${type ?? 'nothing'}`);
  try {
    parseFilter(body);
    return page(world, request, () => orderFrom(world, query, { audience: null, filter: body }), twist);
  } catch (error) {
    if (error instanceof FilterError) throw new LyticsFailure(400, `invalid FilterQL: ${error.message}`);
    throw error;
  }
}
