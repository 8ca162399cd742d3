import type { FaultAction } from '../faults.ts';
import type { World } from '../world.ts';
import { type LyticsReply, type LyticsRequest, listFrom, sendV1 } from './envelope.ts';
import { fieldsOf, publicSegments, shuffled } from './rows.ts';
import { audiencesOf, type Row } from './state.ts';

/** Fields a user can be looked up by. */
const byFields = (world: World) => [...new Set(['_id', 'email', world.population.idField])];

/** The profiles that an answer is made of, the newest first. */
function found(world: World, field: string, value: string): Row[] {
  const rows = world.lytics.find(field, value).sort((a, b) => b.key - a.key);
  return world.settings().lytics.sharedUid === 'newest' ? rows.slice(0, 1) : rows;
}

/** `segments` is there unless the query says `segments=false`; `segments_all` only with `allsegments=true`. */
export function entity(
  world: World,
  { query }: LyticsRequest,
  field: string,
  value: string,
  twist: FaultAction | undefined,
): LyticsReply {
  const fields = byFields(world);
  const nulls = world.settings().lytics.optionalKeys === 'null';
  const meta = nulls ? null : { format: 'json', name: 'user', by_fields: fields };
  const withAll = query.get('allsegments') === 'true';
  const rows = fields.includes(field) && twist?.kind !== 'timed_out' ? found(world, field, value) : [];
  const [first] = rows;
  if (!first)
    return sendV1(world, {
      meta,
      data: { segments: ['not_found', 'all'], ...(withAll && { segments_all: [] }) },
      message: twist?.kind === 'timed_out' ? 'Timed out' : 'Not Found',
    });
  const ids = rows.flatMap((row) => audiencesOf(world.lytics, row).map(({ id }) => id));
  return sendV1(world, {
    meta,
    data: {
      ...fieldsOf(first, listFrom(query, 'fields')),
      ...(query.get('segments') !== 'false' && { segments: publicSegments(world, rows) }),
      ...(withAll && { segments_all: shuffled(world, [...new Set(ids)]) }),
    },
  });
}
