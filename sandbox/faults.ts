import { z } from 'zod';
import { hash } from './random.ts';
import { settingsPatchSchema } from './settings.ts';
import type { Provider } from './stats.ts';

const reach = { applied: z.boolean().default(false) };

/** `applied`: whether the request takes effect although its reply does not show it. */
export const faultActionSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('gigya_error'),
    code: z.number().int(),
    message: z.string().optional(),
    details: z.string().optional(),
    extra: z.record(z.string(), z.unknown()).optional(),
    /** Reply with the error although the write was applied. */
    ...reach,
  }),
  z.strictObject({
    kind: z.literal('lytics_error'),
    status: z.number().int().min(400).max(599),
    message: z.string().optional(),
    retryAfterSeconds: z.number().optional(),
  }),
  z.strictObject({ kind: z.literal('html'), status: z.number().int().default(502), ...reach }),
  z.strictObject({ kind: z.literal('cut'), ...reach }),
  z.strictObject({ kind: z.literal('silence'), ...reach }),
  z.strictObject({ kind: z.literal('drip'), ...reach }),
  z.strictObject({
    kind: z.literal('redirect'),
    location: z.string().default('http://127.0.0.1:9/elsewhere'),
  }),
  z.strictObject({ kind: z.literal('latency'), ms: z.number().min(0) }),
  /** Changes settings when it fires (a revoked key, another quota, a clock that runs ahead); the request continues. */
  z.strictObject({ kind: z.literal('settings'), settings: settingsPatchSchema }),
  z.strictObject({ kind: z.literal('expired_cursor') }),
  z.strictObject({ kind: z.literal('repeat_page') }),
  z.strictObject({ kind: z.literal('total'), add: z.number().int() }),
  z.strictObject({ kind: z.literal('audience_deleted') }),
  z.strictObject({ kind: z.literal('timed_out') }),
]);

export type FaultAction = z.infer<typeof faultActionSchema>;
export type FaultInput = z.input<typeof faultRuleSchema>;

export const faultRuleSchema = z.strictObject({
  /** Shown in `GET /admin/faults` and in the stats. */
  id: z.string().optional(),
  match: z
    .strictObject({
      provider: z.enum(['lytics', 'gigya']).optional(),
      /** Gigya: `accounts.search`; Lytics: `segments`, `segment`, `scan`, `adhoc_scan`, `entity`. */
      method: z.string().optional(),
      /** A regular expression on the path with its query. */
      path: z.string().optional(),
      uid: z.string().optional(),
      /** How many matching requests pass first. */
      after: z.number().int().min(0).default(0),
    })
    .prefault({}),
  rate: z.number().min(0).max(1).default(1),
  /** The most times it fires. */
  times: z.number().int().min(1).optional(),
  action: faultActionSchema,
});

export type FaultRule = z.infer<typeof faultRuleSchema> & { id: string };

export type Target = { provider: Provider; method: string; path: string; uid: string | undefined };

export type Faults = {
  add(rules: FaultRule[]): void;
  clear(): void;
  list(): (FaultRule & { seen: number; fired: number })[];
  /** Rules that apply to a request, in order, up to the first that ends it. */
  decide(target: Target): { rule: FaultRule; fires: boolean }[];
  count(id: string, fired: boolean): void;
  nextId(): string;
};

const endsIt = ({ action }: FaultRule) => action.kind !== 'latency' && action.kind !== 'settings';

export function createFaults(seed: number): Faults {
  let rules: { rule: FaultRule; path: RegExp | undefined; seen: number; fired: number }[] = [];
  let named = 0;

  const matches = ({ rule: { match }, path }: (typeof rules)[number], target: Target) =>
    (match.provider === undefined || match.provider === target.provider) &&
    (match.method === undefined || match.method === target.method) &&
    (match.uid === undefined || match.uid === target.uid) &&
    (path === undefined || path.test(target.path));

  return {
    add: (added) => {
      named += added.length;
      const known = added.map((rule) => ({
        rule,
        path: rule.match.path === undefined ? undefined : new RegExp(rule.match.path),
        seen: 0,
        fired: 0,
      }));
      rules = [...rules, ...known];
    },
    clear: () => {
      rules = [];
    },
    list: () => rules.map(({ rule, seen, fired }) => ({ ...rule, seen, fired })),
    decide: (target) => {
      const decided: { rule: FaultRule; fires: boolean }[] = [];
      for (const one of rules) {
        const { rule, seen, fired } = one;
        if (!matches(one, target)) continue;
        const due = seen >= rule.match.after && fired < (rule.times ?? Number.POSITIVE_INFINITY);
        // Drawn from the count alone, so that the same requests meet the same faults again.
        const drawn = rule.rate === 1 || hash(`${seed} ${rule.id} ${seen}`) / 2 ** 32 < rule.rate;
        const fires = due && drawn;
        decided.push({ rule, fires });
        if (fires && endsIt(rule)) break;
      }
      return decided;
    },
    count: (id, fires) => {
      const one = rules.find(({ rule }) => rule.id === id);
      if (!one) return;
      one.seen++;
      if (fires) one.fired++;
    },
    nextId: () => `fault-${named + 1}`,
  };
}
