import { z } from 'zod';
import { read } from '../gigya/documents.ts';
import { truth } from '../truth.ts';
import { held, verify } from '../verify.ts';
import type { World } from '../world.ts';
import { type AdminInput, audienceOf, type Endpoint } from './handler.ts';

/** What should be in Gigya, and what is. */

export const questionSchema = z.strictObject({
  audience: z.string().default('vip'),
  format: z.enum(['slug', 'id', 'name']).default('slug'),
  audiences: z.enum(['public', 'all']).default('public'),
  storage: z.enum(['account', 'data_store']).default('account'),
  field: z.string().default('lytics_segments'),
  type: z.string().default('lytics'),
  oid: z.string().optional(),
});

export type Question = z.input<typeof questionSchema>;

function question(world: World, query: URLSearchParams) {
  const { audiences, ...rest } = questionSchema.parse(Object.fromEntries(query));
  audienceOf(world, rest.audience);
  return { ...rest, which: audiences };
}

function state(world: World, { query }: AdminInput) {
  const uid = query.get('uid');
  if (uid !== null) return held(world, uid);
  const { field, type } = question(world, query);
  const all: Record<string, { account: unknown; data_store: unknown[] }> = {};
  for (const { UID, data } of world.gigya.accounts.values())
    all[UID] = { account: read(data, field) ?? null, data_store: [] };
  for (const { UID, data } of world.store(type).objects.values()) {
    all[UID] ??= { account: null, data_store: [] };
    all[UID].data_store.push(read(data, field) ?? null);
  }
  return all;
}

export const questionEndpoints: Endpoint[] = [
  ['GET', /^\/admin\/truth$/, (world, { query }) => truth(world, question(world, query))],
  ['GET', /^\/admin\/verify$/, (world, { query }) => verify(world, question(world, query))],
  ['GET', /^\/admin\/state$/, state],
];
