import { z } from 'zod';
import { faultRuleSchema } from './faults.ts';
import { isRecord, read } from './gigya/documents.ts';
import type { Account } from './gigya/state.ts';
import { LyticsFailure } from './lytics/envelope.ts';
import { makeJob } from './lytics/jobs.ts';
import type { Audience, Row } from './lytics/state.ts';
import { makeAccount, oddKinds, rareKinds } from './population.ts';
import { patchSettings } from './settings.ts';
import { held, truth, UnknownAudience, verify } from './truth.ts';
import type { World } from './world.ts';

export type AdminReply = { status: number; value: unknown };

class Refusal extends Error {
  override name = 'Refusal';
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

const data = z.record(z.string(), z.unknown());

const populationSchema = z.strictObject({
  action: z.enum(['enter', 'leave', 'change', 'odd']),
  audience: z.string().default('vip'),
  count: z.number().int().min(0),
  kinds: z.array(z.enum(rareKinds)).optional(),
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

const accountsSchema = z.strictObject({
  accounts: z.array(z.strictObject({ uid: z.string(), data: data.default({}), profile: data.default({}) })),
});

const accountPatchSchema = z.strictObject({ data: data.optional(), profile: data.optional() });

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

const questionSchema = z.strictObject({
  audience: z.string().default('vip'),
  format: z.enum(['slug', 'id', 'name']).default('slug'),
  audiences: z.enum(['public', 'all']).default('public'),
  storage: z.enum(['account', 'data_store']).default('account'),
  field: z.string().default('lytics_segments'),
  type: z.string().default('lytics'),
  oid: z.string().optional(),
});

export type PopulationInput = z.input<typeof populationSchema>;
export type RowInput = z.input<typeof rowsSchema>['rows'][number];
export type AccountInput = z.input<typeof accountsSchema>['accounts'][number];
export type AudienceInput = z.input<typeof audienceSchema>;
export type AudiencePatch = z.input<typeof audiencePatchSchema>;
export type Question = z.input<typeof questionSchema>;

/** Without the keys whose value is undefined, which `exactOptionalPropertyTypes` tells from absent ones. */
function defined<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const result: { [K in keyof T]?: Exclude<T[K], undefined> } = {};
  for (const key in value) {
    const one = value[key];
    if (isDefined(one)) result[key] = one;
  }
  return result;
}
const isDefined = <T>(value: T): value is Exclude<T, undefined> => value !== undefined;

function audienceOf(world: World, idOrSlug: string): Audience {
  const audience = world.lytics.audience(idOrSlug);
  if (!audience) throw new Refusal(404, `no audience ${idOrSlug}`);
  return audience;
}

function accountOf(world: World, uid: string): Account {
  const account = world.gigya.accounts.get(uid);
  if (!account) throw new Refusal(404, `no account ${uid}`);
  return account;
}

function question(world: World, query: URLSearchParams) {
  const { audiences, ...rest } = questionSchema.parse(Object.fromEntries(query));
  audienceOf(world, rest.audience);
  return { ...rest, which: audiences };
}

type Handler = (world: World, input: { query: URLSearchParams; body: unknown; name: string }) => unknown;

/** An event without particulars, and an empty answer. */
const done =
  (type: 'faults.clear' | 'journal.clear' | 'stats.clear'): Handler =>
  (world) => {
    world.commit({ type });
    return {};
  };

const handlers: [verb: string, pattern: RegExp, handler: Handler][] = [
  [
    'GET',
    /^\/admin\/info$/,
    (world) => ({
      pid: process.pid,
      population: world.population,
      rows: world.lytics.rows.size,
      accounts: world.gigya.accounts.size,
      audiences: world.lytics.audiences.size,
      waitingForIndex: world.gigya.index.waiting(),
    }),
  ],
  ['GET', /^\/admin\/settings$/, (world) => world.settings()],
  [
    'PATCH',
    /^\/admin\/settings$/,
    (world, { body }) => {
      patchSettings(world.settings(), body);
      world.commit({ type: 'settings', patch: isRecord(body) ? body : {} });
      return world.settings();
    },
  ],
  ['GET', /^\/admin\/faults$/, (world) => world.faults.list()],
  [
    'POST',
    /^\/admin\/faults$/,
    (world, { body }) => {
      const rules = z.array(faultRuleSchema).parse(Array.isArray(body) ? body : [body]);
      for (const rule of rules) {
        if (rule.match.path !== undefined) new RegExp(rule.match.path);
        if (rule.action.kind === 'settings') patchSettings(world.settings(), rule.action.settings);
        world.commit({ type: 'faults.add', rules: [{ ...rule, id: rule.id ?? world.faults.nextId() }] });
      }
      return world.faults.list();
    },
  ],
  ['DELETE', /^\/admin\/faults$/, done('faults.clear')],
  ['GET', /^\/admin\/jobs$/, (world) => [...world.lytics.jobs.values()]],
  [
    'POST',
    /^\/admin\/jobs$/,
    (world, { body }) => {
      const job = makeJob(world, data.parse(body));
      world.commit({ type: 'job.put', job });
      return job;
    },
  ],
  ['GET', /^\/admin\/journal$/, (world, { query }) => world.journal.since(Number(query.get('since') ?? 0))],
  ['POST', /^\/admin\/journal\/clear$/, done('journal.clear')],
  ['GET', /^\/admin\/stats$/, (world) => world.stats.report()],
  ['POST', /^\/admin\/stats\/clear$/, done('stats.clear')],
  ['GET', /^\/admin\/truth$/, (world, { query }) => truth(world, question(world, query))],
  ['GET', /^\/admin\/verify$/, (world, { query }) => verify(world, question(world, query))],
  [
    'GET',
    /^\/admin\/state$/,
    (world, { query }) => {
      const uid = query.get('uid');
      if (uid !== null) return held(world, uid);
      const { field, type } = question(world, query);
      const state: Record<string, { account: unknown; data_store: unknown[] }> = {};
      for (const { UID, data: own } of world.gigya.accounts.values())
        state[UID] = { account: read(own, field) ?? null, data_store: [] };
      for (const { UID, data: own } of world.store(type).objects.values()) {
        state[UID] ??= { account: null, data_store: [] };
        state[UID].data_store.push(read(own, field) ?? null);
      }
      return state;
    },
  ],
  [
    'POST',
    /^\/admin\/population$/,
    (world, { body }) => {
      const change = populationSchema.parse(body);
      const { id } = audienceOf(world, change.audience);
      const { action, count, kinds = oddKinds } = change;
      world.commit({
        type: 'population',
        change: action === 'odd' ? { action, audience: id, count, kinds } : { action, audience: id, count },
      });
      return { members: world.lytics.members(id).size };
    },
  ],
  [
    'GET',
    /^\/admin\/audiences$/,
    (world) =>
      [...world.lytics.audiences.values()].map((one) => ({
        ...one,
        size: world.lytics.members(one.id).size,
      })),
  ],
  [
    'POST',
    /^\/admin\/audiences$/,
    (world, { body }) => {
      const input = audienceSchema.parse(body);
      const { slug, name = slug, publicName = name, id = world.random.hex(32), isPublic, kind } = input;
      if (world.lytics.audience(slug)) throw new Refusal(409, `there is an audience ${slug}`);
      if (world.lytics.audiences.size >= 500) throw new Refusal(409, 'an account has at most 500 audiences');
      const audience: Audience = { id, slug, name, publicName, isPublic, kind };
      world.commit({ type: 'audience.put', audience });
      return audience;
    },
  ],
  [
    'PATCH',
    /^\/admin\/audiences\/([^/]+)$/,
    (world, { body, name }) => {
      const audience = { ...audienceOf(world, name), ...defined(audiencePatchSchema.parse(body)) };
      world.commit({ type: 'audience.put', audience });
      return audience;
    },
  ],
  [
    'DELETE',
    /^\/admin\/audiences\/([^/]+)$/,
    (world, { name }) => {
      world.commit({ type: 'audience.remove', id: audienceOf(world, name).id });
      return {};
    },
  ],
  [
    'GET',
    /^\/admin\/rows$/,
    (world, { query }) =>
      world.lytics.find(query.get('field') ?? world.population.idField, query.get('value') ?? ''),
  ],
  [
    'POST',
    /^\/admin\/rows$/,
    (world, { body }) =>
      rowsSchema.parse(body).rows.map(({ key = world.lytics.nextKey(), fields, audiences }) => {
        const row: Row = { key, fields, audiences: audiences.map((one) => audienceOf(world, one).id) };
        world.commit({ type: 'row.put', row });
        return row;
      }),
  ],
  [
    'DELETE',
    /^\/admin\/rows\/(\d+)$/,
    (world, { name }) => {
      world.commit({ type: 'row.remove', key: Number(name) });
      return {};
    },
  ],
  [
    'POST',
    /^\/admin\/accounts$/,
    (world, { body }) =>
      accountsSchema.parse(body).accounts.map(({ uid, data: own, profile }) => {
        const account = makeAccount(uid, own, profile, world.now());
        world.commit({ type: 'account.put', account });
        return account;
      }),
  ],
  ['GET', /^\/admin\/accounts\/([^/]+)$/, (world, { name }) => accountOf(world, name)],
  [
    'PATCH',
    /^\/admin\/accounts\/([^/]+)$/,
    (world, { body, name }) => {
      const before = accountOf(world, name);
      const patch = accountPatchSchema.parse(body);
      const account = {
        ...before,
        data: Object.fromEntries(
          Object.entries({ ...before.data, ...patch.data }).filter(([, value]) => value !== null),
        ),
        profile: { ...before.profile, ...patch.profile },
      };
      world.commit({ type: 'account.put', account });
      return account;
    },
  ],
  [
    'DELETE',
    /^\/admin\/accounts\/([^/]+)$/,
    (world, { name }) => {
      world.commit({ type: 'account.remove', uid: accountOf(world, name).UID });
      return {};
    },
  ],
];

export function answerAdmin(
  world: World,
  verb: string,
  path: string,
  query: URLSearchParams,
  text: string,
): AdminReply {
  try {
    if (path === '/admin' || path === '/admin/')
      return {
        status: 200,
        value: handlers.map(([method, pattern]) => `${method} ${pattern.source.replace(/[\^$\\]/g, '')}`),
      };
    const body: unknown = text === '' ? {} : JSON.parse(text);
    for (const [method, pattern, handler] of handlers) {
      const found = method === verb ? pattern.exec(path) : null;
      if (found)
        return {
          status: 200,
          value: handler(world, { query, body, name: decodeURIComponent(found[1] ?? '') }),
        };
    }
    return { status: 404, value: { error: `no admin endpoint ${verb} ${path}` } };
  } catch (error) {
    if (error instanceof Refusal) return { status: error.status, value: { error: error.message } };
    if (error instanceof LyticsFailure) return { status: error.status, value: { error: error.message } };
    if (error instanceof UnknownAudience) return { status: 404, value: { error: error.message } };
    if (error instanceof z.ZodError) return { status: 400, value: { error: z.prettifyError(error) } };
    if (error instanceof SyntaxError) return { status: 400, value: { error: error.message } };
    throw error;
  }
}
