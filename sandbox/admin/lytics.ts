import { z } from 'zod';
import { makeJob } from '../lytics/jobs.ts';
import type { Audience, Row } from '../lytics/state.ts';
import { staysKinds } from '../population/changes.ts';
import { oddKinds, rareKinds } from '../population/odd.ts';
import type { World } from '../world.ts';
import { type AdminInput, audienceOf, data, defined, type Endpoint, Refusal } from './handler.ts';

/** Users, audiences and jobs of Lytics. */

const populationSchema = z.strictObject({
  action: z.enum(['enter', 'leave', 'remove', 'change', 'odd']),
  audience: z.string().default('vip'),
  count: z.number().int().min(0),
  kinds: z.array(z.enum(rareKinds)).default([...oddKinds]),
  stays: z.enum(staysKinds).default('others'),
});

const rowsSchema = z.strictObject({
  rows: z.array(
    z.strictObject({
      /** Present: the row of that key is replaced. */
      key: z.number().int().positive().optional(),
      fields: data,
      /** Ids or slugs. */
      audiences: z.array(z.string()).default([]),
    }),
  ),
});

const audienceSchema = z.strictObject({
  id: z.string().optional(),
  slug: z.string(),
  name: z.string().optional(),
  publicName: z.string().optional(),
  isPublic: z.boolean().default(true),
  kind: z.string().default('segment'),
});

const audiencePatchSchema = audienceSchema.omit({ id: true, isPublic: true, kind: true, slug: true }).extend({
  slug: z.string().optional(),
  isPublic: z.boolean().optional(),
  kind: z.string().optional(),
});

export type PopulationInput = z.input<typeof populationSchema>;
export type RowInput = z.input<typeof rowsSchema>['rows'][number];
export type AudienceInput = z.input<typeof audienceSchema>;
export type AudiencePatch = z.input<typeof audiencePatchSchema>;

function changePopulation(world: World, { body }: AdminInput) {
  const { action, count, kinds, stays, audience: wanted } = populationSchema.parse(body);
  const audience = audienceOf(world, wanted).id;
  if (action === 'odd') world.commit({ type: 'population', change: { action, audience, count, kinds } });
  else if (action === 'leave')
    world.commit({ type: 'population', change: { action, audience, count, stays } });
  else world.commit({ type: 'population', change: { action, audience, count } });
  return { members: world.lytics.members(audience).size };
}

function listAudiences(world: World) {
  return [...world.lytics.audiences.values()].map((one) => ({
    ...one,
    size: world.lytics.members(one.id).size,
  }));
}

function addAudience(world: World, { body }: AdminInput) {
  const input = audienceSchema.parse(body);
  const { slug, name = slug, publicName = name, id = world.random.hex(32), isPublic, kind } = input;
  if (world.lytics.audience(slug)) throw new Refusal(409, `there is an audience ${slug}`);
  if (world.lytics.audiences.size >= 500) throw new Refusal(409, 'an account has at most 500 audiences');
  const audience: Audience = { id, slug, name, publicName, isPublic, kind };
  world.commit({ type: 'audience.put', audience });
  return audience;
}

function changeAudience(world: World, { body, name }: AdminInput) {
  const audience = { ...audienceOf(world, name), ...defined(audiencePatchSchema.parse(body)) };
  world.commit({ type: 'audience.put', audience });
  return audience;
}

function removeAudience(world: World, { name }: AdminInput) {
  world.commit({ type: 'audience.remove', id: audienceOf(world, name).id });
  return {};
}

function findRows(world: World, { query }: AdminInput) {
  return world.lytics.find(query.get('field') ?? world.population.idField, query.get('value') ?? '');
}

function putRows(world: World, { body }: AdminInput) {
  return rowsSchema.parse(body).rows.map(({ key = world.lytics.nextKey(), fields, audiences }) => {
    const row: Row = { key, fields, audiences: audiences.map((one) => audienceOf(world, one).id) };
    world.commit({ type: 'row.put', row });
    return row;
  });
}

function removeRow(world: World, { name }: AdminInput) {
  world.commit({ type: 'row.remove', key: Number(name) });
  return {};
}

function addJob(world: World, { body }: AdminInput) {
  const job = makeJob(world, data.parse(body));
  world.commit({ type: 'job.put', job });
  return job;
}

export const lyticsEndpoints: Endpoint[] = [
  ['POST', /^\/admin\/population$/, changePopulation],
  ['GET', /^\/admin\/audiences$/, listAudiences],
  ['POST', /^\/admin\/audiences$/, addAudience],
  ['PATCH', /^\/admin\/audiences\/([^/]+)$/, changeAudience],
  ['DELETE', /^\/admin\/audiences\/([^/]+)$/, removeAudience],
  ['GET', /^\/admin\/rows$/, findRows],
  ['POST', /^\/admin\/rows$/, putRows],
  ['DELETE', /^\/admin\/rows\/(\d+)$/, removeRow],
  ['GET', /^\/admin\/jobs$/, (world) => [...world.lytics.jobs.values()]],
  ['POST', /^\/admin\/jobs$/, addJob],
];
