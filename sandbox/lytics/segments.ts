import type { World } from '../world.ts';
import {
  type LyticsReply,
  type LyticsRequest,
  lyticsFigure,
  needTable,
  notFound,
  sendV1,
  sendV2,
} from './envelope.ts';
import type { Audience } from './state.ts';

function sizeOf(world: World, { id }: Audience): string | number | null | undefined {
  return lyticsFigure(world, world.lytics.members(id).size, world.settings().lytics.size);
}

function describe(world: World, audience: Audience, withSize: boolean): Record<string, unknown> {
  return {
    id: audience.id,
    slug_name: audience.slug,
    name: audience.name,
    public_name: audience.publicName,
    is_public: audience.isPublic,
    kind: audience.kind,
    table: 'user',
    ...(withSize && { size: sizeOf(world, audience) }),
  };
}

function known(world: World, idOrSlug: string): Audience {
  const audience = world.lytics.audience(idOrSlug);
  if (!audience) throw notFound('segment');
  return audience;
}

function listed(world: World, { query }: LyticsRequest): Record<string, unknown>[] {
  needTable(query);
  const kind = query.get('kind') ?? 'segment';
  return [...world.lytics.audiences.values()]
    .filter((one) => kind === 'all' || one.kind === kind)
    .map((audience) => describe(world, audience, true));
}

export function listV1(world: World, request: LyticsRequest): LyticsReply {
  return sendV1(world, { data: listed(world, request) });
}

export function listV2(world: World, request: LyticsRequest): LyticsReply {
  return sendV2(world, listed(world, request));
}

export function oneV1(world: World, _: LyticsRequest, idOrSlug: string): LyticsReply {
  return sendV1(world, { data: describe(world, known(world, idOrSlug), false) });
}

export function oneV2(world: World, { query }: LyticsRequest, idOrSlug: string): LyticsReply {
  return sendV2(world, describe(world, known(world, idOrSlug), query.get('sizes') === 'true'));
}

export function sizesV1(world: World, _: LyticsRequest, idOrSlug: string): LyticsReply {
  const audience = known(world, idOrSlug);
  const { id, slug, name } = audience;
  return sendV1(world, { data: { id, slug_name: slug, name, size: sizeOf(world, audience) } });
}
