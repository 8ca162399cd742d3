import { z } from 'zod';
import { figureKinds } from './figures.ts';

/**
 * What the services' documentation leaves open, and what tests want to vary. A default is what the documentation says,
 * or else the strictest reading. `PATCH /admin/settings` changes them while the sandbox runs.
 */
export const lyticsSettings = z.strictObject({
  /** `repeatable`: one cursor per page, may be sent again. `scroll`: one string for all pages; a repeated request moves on. */
  cursor: z.enum(['repeatable', 'scroll']).default('repeatable'),
  /** Seconds until a cursor expires after it was last issued or used; the real lifetime is not documented. */
  cursorLifeSeconds: z.number().min(0).default(300),
  cursorErrorStatus: z.union([z.literal(400), z.literal(404)]).default(400),
  /** How a scan ends: `_next` empty, a cursor that gives an empty page, or one that gives the last page again. */
  lastPage: z.enum(['no_cursor', 'empty_page', 'same_page']).default('no_cursor'),
  defaultLimit: z.number().int().min(1).max(100).default(20),
  /**
   * Whether scan rows carry `segments`: `some` is every other row, `empty` an empty list, `without_scanned` a list
   * that lacks the audience of the scan.
   */
  rowSegments: z.enum(['all', 'none', 'some', 'empty', 'without_scanned']).default('all'),
  /** Whether `fields=` without `segments` in it drops them from the rows. */
  fieldsDropSegments: z.boolean().default(true),
  /** Scans end after this many rows, although `total` is larger. */
  endAfterRows: z.number().int().min(0).nullable().default(null),
  /** `splits` on a scan: disjoint hundredths of the users, no effect, or 400. */
  splits: z.enum(['honoured', 'ignored', 'refused']).default('honoured'),
  /** Ad-hoc scans, or the status that refuses them. */
  adHocScan: z.union([z.literal('on'), z.literal(400), z.literal(403), z.literal(404)]).default('on'),
  /** Where several profiles hold the UID of an entity lookup: the newest alone, or all merged. */
  sharedUid: z.enum(['newest', 'merged']).default('newest'),
  /** `total` of a scan, and `size` of an audience. */
  total: z.enum(figureKinds).default('right'),
  size: z.enum(figureKinds).default('right'),
  /** Null in place of an empty `_next`, `meta` and `request_id`. */
  optionalKeys: z.enum(['present', 'null']).default('present'),
  /** What `segments` holds. */
  segmentsAs: z.enum(['slug', 'name']).default('slug'),
  /** A different order of `segments` in every reply. */
  shuffleSegments: z.boolean().default(false),
  statusAsString: z.boolean().default(false),
  /** `total` and `size` as strings. */
  numbersAsStrings: z.boolean().default(false),
  /** The envelope of a 401 on /v2: recorded in the shape of /api. */
  v2Unauthorized: z.enum(['api', 'v2']).default('api'),
  tokenRevoked: z.boolean().default(false),
});

const loopback = (text: string) => ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(text).hostname);

export const gigyaSettings = z.strictObject({
  indexLagMs: z.number().min(0).default(1000),
  /** Seconds a search cursor lives after it was last used. */
  cursorLifeSeconds: z.number().min(0).default(300),
  /** The code for an expired cursor is not documented. */
  cursorErrorCode: z.number().int().default(400006),
  /** Batches of a cursor are smaller than asked, although more follow. */
  shortBatches: z.boolean().default(false),
  /** How `contains` compares. Documented as a search by word, with underscores separating words, case-sensitive. */
  contains: z.enum(['exact', 'words']).default('words'),
  /** What a LIMIT over 10,000 does; documented is that it has no effect. */
  limitOverMaximum: z.enum(['default', 'maximum']).default('default'),
  /** `totalCount` of a search. */
  totalCount: z.enum(figureKinds).default('right'),
  /** Arrays in `setAccountInfo`'s data. */
  arrays: z.enum(['replace', 'append']).default('replace'),
  /** Whether an empty array is kept or comes back absent. */
  emptyArrays: z.enum(['keep', 'absent']).default('keep'),
  /**
   * Whether the schemas of accounts and of new Data Store types declare `lytics_segments`, as a well set-up site
   * does; setSchema with null takes it out later.
   */
  declaresField: z.boolean().default(true),
  /** The code of an undeclared field where the schema is not dynamic. */
  undeclaredField: z.union([z.literal(400020), z.literal(400006), z.literal(400009)]).default(400020),
  /** The Data Store add-on, or the code that says that the site lacks it. */
  dataStore: z.union([z.literal('on'), z.literal(403036), z.literal(403007)]).default('on'),
  /** What `ds.get` answers for an object that does not exist; `empty` is a success without data. */
  missingObject: z.union([z.literal(404000), z.literal(404003), z.literal('empty')]).default(404003),
  dataStoreUnknownUid: z.enum(['accept', 'refuse']).default('accept'),
  /** The share of accounts that are lite only: their UIDs are in Lytics, but they have no full account. */
  liteShare: z.number().min(0).max(1).default(0),
  /** A write that changes nothing: accepted, or refused as redundant. */
  redundantWrite: z.union([z.literal('accept'), z.literal(403200)]).default('accept'),
  /** Parameters that a write ignores as if the key had no right to send them; such a write is not applied. */
  ignoredParameters: z.array(z.string()).default([]),
  /** The code for an ignored parameter with `checkParams=true`; the real one is not documented. */
  checkParamsError: z.number().int().default(403007),
  /** Whether optional keys of a reply (`callId`, `validationErrors`, `fieldName`, …) are absent or null. */
  optionalKeys: z.enum(['absent', 'null']).default('absent'),
  /** Where accountUpdated webhooks go, one POST per write without `muteWebhooks`; on this machine only. */
  webhookUrl: z.url().refine(loopback, 'must be on the loopback interface').nullable().default(null),
  /** Errors about one account name its UID in `errorDetails`. */
  echoUid: z.boolean().default(false),
  /** The data centre that the site is in: every call is answered 301001. */
  wrongDataCenter: z.string().nullable().default(null),
  /** Calls and searches per second, each with a burst of one second; null is no limit. */
  callsPerSecond: z.number().positive().nullable().default(null),
  searchesPerSecond: z.number().positive().nullable().default(null),
  maxInFlightPerUid: z.number().int().min(1).default(5),
  /** Characters; a longer query answers 500001. */
  maxQueryLength: z.number().int().min(1).default(30_000),
  /** Seconds that a timestamp or `iat` may differ from the clock. */
  freshnessSeconds: z.number().min(1).default(120),
  /** How far Gigya's clock is ahead of this machine's. */
  clockSkewSeconds: z.number().default(0),
  /**
   * Scheme, host and port that a signature must cover: null takes the Host header, with the scheme of
   * `x-forwarded-proto` (http without one).
   */
  publicUrl: z.url().nullable().default(null),
  /** Whether `getSchema` answers without credentials, as the live service does. */
  anonymousSchema: z.boolean().default(true),
  keyRevoked: z.boolean().default(false),
  /** Methods the application key may not call: 403007. `accounts.*` is all of a namespace. */
  deniedMethods: z.array(z.string()).default([]),
});

const general = {
  /** Milliseconds before a request is processed (and a write applied). */
  latencyMs: z.number().min(0),
  /** The coding of replies where Accept-Encoding permits it. */
  compress: z.enum(['none', 'gzip', 'deflate', 'br']),
  /** Whether it is used for a request without Accept-Encoding too, which permits any coding. */
  compressUnasked: z.boolean(),
};

export const settingsSchema = z.strictObject({
  latencyMs: general.latencyMs.default(0),
  compress: general.compress.default('none'),
  compressUnasked: general.compressUnasked.default(false),
  lytics: lyticsSettings.prefault({}),
  gigya: gigyaSettings.prefault({}),
});

export type Settings = z.infer<typeof settingsSchema>;

export const settingsPatchSchema = z
  .strictObject(general)
  .partial()
  .extend({
    lytics: z.record(z.string(), z.unknown()).optional(),
    gigya: z.record(z.string(), z.unknown()).optional(),
  });

export type SettingsPatch = {
  latencyMs?: Settings['latencyMs'] | undefined;
  compress?: Settings['compress'] | undefined;
  compressUnasked?: Settings['compressUnasked'] | undefined;
  lytics?: Partial<Settings['lytics']> | undefined;
  gigya?: Partial<Settings['gigya']> | undefined;
};

/** Throws a ZodError that names the setting when a patch is wrong. */
export function patchSettings(current: Settings, patch: unknown): Settings {
  const { lytics, gigya, ...rest } = settingsPatchSchema.parse(patch);
  return settingsSchema.parse({
    ...current,
    ...rest,
    lytics: { ...current.lytics, ...lytics },
    gigya: { ...current.gigya, ...gigya },
  });
}
