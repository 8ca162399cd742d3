import { type FigureKind, figure } from '../figures.ts';
import type { World } from '../world.ts';

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

export class LyticsFailure extends Error {
  override name = 'LyticsFailure';
  constructor(
    readonly status: number,
    message: string,
    readonly headers: Record<string, string> = {},
  ) {
    super(message);
  }
}

export const notFound = (what: string) => new LyticsFailure(404, `${what} not found`);

function send(
  world: World,
  status: number,
  body: Record<string, unknown>,
  headers: Record<string, string> = {},
): LyticsReply {
  const told = world.settings().lytics.statusAsString ? String(status) : status;
  return { httpStatus: status, headers, body: JSON.stringify({ ...body, status: told }) };
}

/** An answer of /api. */
export function sendV1(world: World, body: Record<string, unknown>): LyticsReply {
  return send(world, 200, { message: 'success', ...body });
}

/** An answer of /v2. */
export function sendV2(world: World, data: unknown): LyticsReply {
  const nulls = world.settings().lytics.optionalKeys === 'null';
  return send(world, 200, { data, request_id: nulls ? null : world.random.hex(32) });
}

export function sendFailure(world: World, path: string, failure: LyticsFailure): LyticsReply {
  const { status, message, headers } = failure;
  const inV2 = path.startsWith('/v2/') && (status !== 401 || world.settings().lytics.v2Unauthorized === 'v2');
  const body = inV2
    ? { errors: [{ code: status, message }], request_id: world.random.hex(32) }
    : { data: null, message };
  return send(world, status, body, headers);
}

/** A total or a size; undefined leaves its key out. */
export function lyticsFigure(
  world: World,
  value: number,
  kind: FigureKind,
): string | number | null | undefined {
  const told = figure(value, kind);
  return typeof told === 'number' && world.settings().lytics.numbersAsStrings ? String(told) : told;
}

/** A comma-separated list from the query; null when absent. */
export function listFrom(query: URLSearchParams, name: string): string[] | null {
  const text = query.get(name);
  return text === null ? null : text.split(',').map((one) => one.trim());
}

export function needTable(query: URLSearchParams): void {
  const table = query.get('table') ?? 'user';
  if (table !== 'user') throw new LyticsFailure(400, `unknown table ${table}`);
}
