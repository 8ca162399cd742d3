import { AuthorizationError, type GigyaAuthorization } from '../authorizations.ts';
import type { Gigya } from '../gigya/client.ts';
import { proveCredentials } from '../gigya/credentials.ts';
import { openStorage } from '../gigya/openStorage.ts';
import { isQueryable } from '../gigya/query.ts';
import type { WantedField } from '../gigya/schema.ts';
import { hasExpired, type Job, type JobConfig, parseJob } from '../job.ts';
import type { Audience, Lytics, Row } from '../lytics/client.ts';
import { LyticsError } from '../lytics/errors.ts';
import { labelOf } from '../mapping/catalogue.ts';
import { fieldsOf } from '../mapping/mapping.ts';
import { uidsIn } from '../mapping/uids.ts';
import { isForMaps } from '../mapping/values.ts';
import type { FieldTypes } from '../record.ts';
import { OTHER_WORKER_QUESTION_TRIES } from '../tuning.ts';
import type { Attempt } from './attempt.ts';
import { findCarriers } from './carriers.ts';
import type { Connections } from './connections.ts';
import { finalFailure } from './failures.ts';
import { checkExcluded, checkMapped, checkWebhooks, findExcluded, mappedFields } from './optionalChecks.ts';
import { type LanesProof, proveLanes } from './proveLanes.ts';

/** What the checks have found so far. */
export interface Findings {
  job: Job;
  lytics: Lytics;
  gigya: Gigya;
  authorization: GigyaAuthorization;
  /** All audiences of the account. */
  listed: readonly Audience[];
  audience: Audience;
  /** The audiences whose members are not exported; absent when there are none. */
  excluded?: readonly Audience[];
  fieldTypes: FieldTypes;
  /** The first rows of the audience. */
  rows: readonly Row[];
  /** Whether these are all rows. */
  isWhole: boolean;
  /** Users in the audience, as a scan reports it. */
  total?: number | undefined;
  /** How many lanes scans have. */
  proof: LanesProof;
}

/** What one check found. */
export interface Finding {
  found: string;
  warnings?: readonly string[];
  findings?: Partial<Findings>;
}

/** Checks one thing that a job needs, without writing anything. */
export interface Check {
  name: string;
  /** Skipped for other jobs. @default every job */
  isFor?: (config: JobConfig) => boolean;
  /** Skipped unless these were found. */
  needs: readonly (keyof Findings)[];
  /** @throws when the job cannot run. */
  look(findings: Findings, tools: CheckTools): Finding | Promise<Finding>;
}

export interface CheckTools {
  document: unknown;
  connections: Connections;
  attempt: Attempt;
}

/**
 * Everything that a job needs, in order. Preflight stops at the first that fails, `client check` shows them
 * all. Both use this list, so they cannot disagree.
 */
export const CHECKS: readonly Check[] = [
  {
    name: 'job document',
    needs: [],
    look: (_, { document }) => {
      const job = parseJob(document);
      assertNotExpired(job);
      return { found: 'valid', findings: { job } };
    },
  },
  {
    name: 'Lytics credentials',
    needs: ['job'],
    async look({ job }, { connections, attempt }) {
      const lytics = await connections.lytics(job.auth_ids);
      const listed = await lytics.audiences(attempt.reading);
      const found = `"${lytics.name}" works; the account has ${figure(listed.length)} audiences`;
      return { found, findings: { lytics, listed } };
    },
  },
  {
    name: 'Gigya credentials',
    needs: ['job'],
    async look({ job }, { connections, attempt }) {
      const { gigya, authorization } = await connections.gigya(job.auth_ids);
      await proveCredentials(gigya, attempt.reading);
      const { base_url, datacenter } = authorization;
      const found = `"${gigya.name}" works, at ${base_url ?? datacenter}`;
      return { found, findings: { gigya, authorization } };
    },
  },
  {
    name: 'audience',
    needs: ['job', 'lytics'],
    async look({ job, lytics }, { attempt }) {
      const audience = await readAudience(lytics, job.config.segment_id, attempt);
      const size = audience.size === undefined ? 'an unknown number of' : figure(audience.size);
      const found = `"${audience.name ?? audience.slug_name}" has ${size} users`;
      return { found, findings: { audience } };
    },
  },
  {
    name: 'excluded audiences',
    isFor: ({ exclude_segment_ids }) => exclude_segment_ids.length > 0,
    needs: ['job', 'listed', 'audience'],
    look: findExcluded,
  },
  {
    name: 'Gigya field',
    needs: ['job', 'gigya', 'authorization'],
    async look({ job: { config }, gigya, authorization }, { attempt }) {
      if (config.target_storage === 'data_store' && authorization.datacenter === 'global.gigya.com') {
        throw finalFailure(
          'Configuration',
          `global.gigya.com has no Data Store; use target_storage "account", or another data center in ${gigya.name}.datacenter`,
        );
      }
      const storage = openStorage(gigya, config, fieldsOf(config));
      const wanted = wantedFields(config);
      const { types, warnings } = await storage.check(wanted, attempt.reading);
      const place =
        config.target_storage === 'account'
          ? 'the account'
          : `the Data Store, type ${config.data_store_type}`;
      const names = wanted.map(({ field }) => `data.${field}`).join(', ');
      return { found: `${names} of ${place} can be written`, warnings, findings: { fieldTypes: types } };
    },
  },
  {
    name: 'audience label',
    needs: ['job', 'audience', 'gigya'],
    look: checkLabel,
  },
  {
    name: 'Gigya ID field',
    needs: ['job', 'lytics', 'audience'],
    async look({ job, lytics, audience }, { attempt }) {
      const field = job.config.gigya_id_field;
      const { rows, next, total } = await lytics
        .scan(audience.id, '', attempt.reading)
        .catch((error: unknown) => {
          if (!(error instanceof LyticsError) || !error.isRefused) throw error;
          throw finalFailure('Configuration', `${error.message}; check config.segment_id`);
        });
      const isWhole = next === '';
      const having = rows.filter((row) => uidsIn(row, field).uids.length > 0).length;
      const found = `${field} is set for ${having} of the first ${rows.length} users`;
      const findings = { rows, isWhole, total };
      if (having > 0 || rows.length === 0) return { found, findings };
      if (isWhole) throw finalFailure('Configuration', `${found}; correct config.gigya_id_field`);
      return { found, findings, warnings: [`${found}; check config.gigya_id_field`] };
    },
  },
  {
    name: 'lanes',
    needs: ['job', 'lytics', 'audience', 'rows'],
    async look({ job, lytics, audience, total }, { attempt }) {
      const idField = job.config.gigya_id_field;
      const size = total ?? audience.size;
      const proof = await proveLanes({ lytics, audience: audience.id, idField, size }, attempt);
      return { found: proof.found, findings: { proof } };
    },
  },
  {
    name: 'excluded users',
    isFor: ({ exclude_segment_ids }) => exclude_segment_ids.length > 0,
    needs: ['job', 'listed', 'excluded', 'rows'],
    look: checkExcluded,
  },
  {
    name: 'mapped fields',
    isFor: ({ mappings }) => mappings.length > 0,
    needs: ['job', 'rows'],
    look: checkMapped,
  },
  {
    name: 'Gigya users',
    needs: ['job', 'gigya', 'rows'],
    async look({ job: { config }, gigya, rows }, { attempt }) {
      const uids = rows
        .flatMap((row) => uidsIn(row, config.gigya_id_field).uids.slice(0, 1))
        .filter(isQueryable);
      const known = await openStorage(gigya, config, fieldsOf(config)).lookUp(uids, attempt.reading);
      const found = `Gigya knows ${known.size} of ${uids.length} users in a sample`;
      if (known.size > 0 || uids.length === 0) return { found };
      const warning = `${found}; they may be lite accounts, which cannot be written: check config.gigya_id_field and the site of "${gigya.name}"`;
      return { found, warnings: [warning] };
    },
  },
  { name: 'webhooks', needs: ['job', 'audience'], look: checkWebhooks },
  {
    name: 'quota',
    needs: ['audience', 'authorization'],
    async look({ audience: { size }, authorization: { limits } }) {
      const { calls_per_second: calls, searches_per_second: searches } = limits;
      const rates = `${figure(calls)} calls and ${figure(searches)} searches a second`;
      if (size === undefined) return { found: rates };
      return { found: `${rates}: a first run takes about ${minutes(size / calls)}` };
    },
  },
];

/** Runs the checks in order, until one fails. */
export async function checkAll(tools: CheckTools): Promise<{ findings: Findings; warnings: string[] }> {
  const findings: Partial<Findings> = {};
  const warnings: string[] = [];
  for (const check of CHECKS) {
    if (!isDue(check, findings)) continue;
    const finding = await check.look(findings, tools);
    Object.assign(findings, finding.findings);
    warnings.push(...(finding.warnings ?? []));
  }
  const needed = ['job', 'lytics', 'gigya', 'authorization', 'listed', 'audience', 'fieldTypes'] as const;
  if (!hasAll(findings, [...needed, 'rows', 'isWhole', 'proof'])) {
    throw new Error('Internal error: a required check did not run');
  }
  return { findings, warnings };
}

/** The result of one check, for a person. */
export interface CheckResult {
  what: string;
  ok: boolean;
  /** What was found, or what to change. */
  found: string;
  warnings: string[];
}

/** Runs every check that is possible: an error is a result here. */
export async function checkEach(tools: CheckTools): Promise<CheckResult[]> {
  const findings: Partial<Findings> = {};
  const results: CheckResult[] = [];
  for (const check of CHECKS) {
    if (!isDue(check, findings)) continue;
    const what = check.name;
    try {
      const finding = await check.look(findings, tools);
      Object.assign(findings, finding.findings);
      results.push({ what, ok: true, found: finding.found, warnings: [...(finding.warnings ?? [])] });
    } catch (error) {
      tools.attempt.signal.throwIfAborted();
      // Another worker may have the authorization.
      if (error instanceof AuthorizationError && tools.attempt.number < OTHER_WORKER_QUESTION_TRIES)
        throw error;
      const found = error instanceof Error ? error.message : String(error);
      results.push({ what, ok: false, found, warnings: [] });
    }
  }
  return results;
}

/** Whether a check applies to this job, and everything that it needs was found. */
function isDue({ isFor, needs }: Check, findings: Partial<Findings>): findings is Findings {
  return hasAll(findings, needs) && (isFor === undefined || (findings.job && isFor(findings.job.config)));
}

function hasAll(findings: Partial<Findings>, needs: readonly (keyof Findings)[]): findings is Findings {
  return needs.every((need) => findings[need] !== undefined);
}

/** An expired job does not run, whoever starts it. */
function assertNotExpired(job: Job): void {
  if (!hasExpired(job)) return;
  throw finalFailure('Configuration', `The job expired at ${job.expires_at}; set expires_at to a later time`);
}

/** The Gigya fields that a job writes, and the kind of value each must hold. */
function wantedFields(config: JobConfig): WantedField[] {
  const mapped = mappedFields(config).map(
    ([, target]): WantedField => ({
      field: target.field,
      holds: isForMaps(target) ? 'lists' : 'values',
      isCleared: target.on_null === 'clear' && !isForMaps(target),
    }),
  );
  return [{ field: config.gigya_field, holds: 'audiences', isCleared: false }, ...mapped];
}

async function readAudience(lytics: Lytics, segment: string, attempt: Attempt): Promise<Audience> {
  return lytics.audience(segment, attempt.reading).catch((error: unknown) => {
    if (!(error instanceof LyticsError) || !error.isRefused) throw error;
    throw finalFailure(
      'Configuration',
      `Lytics has no audience "${segment}" (${error.message}); correct config.segment_id, or ${lytics.name}.token if it belongs to another account`,
    );
  });
}

/**
 * An audience that is not open to Lytics' API is not named in its own users' memberships: writing them would
 * remove its label from everybody.
 */
async function checkLabel({ job, audience, gigya }: Findings, { attempt }: CheckTools): Promise<Finding> {
  const { config } = job;
  const label = labelOf(audience, config);
  if (isExported(job, audience)) return { found: `users carry it as "${label}"` };
  const fix = 'open it in Lytics, or set config.audiences to "all"';
  const closed = `The audience "${audience.slug_name}" is not open to Lytics' API`;
  const storage = openStorage(gigya, config, fieldsOf(config));
  let cursor: string | null = null;
  do {
    const batch = await findCarriers(storage, { job, audience: { label } }, cursor, attempt.reading);
    if (!batch || batch.expired) {
      throw finalFailure(
        'Configuration',
        `${closed}, and Gigya cannot be searched for users who carry "${label}", from whom the run would remove it; ${fix}`,
      );
    }
    if (batch.uids.length > 0) {
      throw finalFailure(
        'Configuration',
        `${closed}, but users in Gigya carry it: the run would remove "${label}" from all of them; ${fix}`,
      );
    }
    cursor = batch.next;
  } while (cursor !== null);
  return { found: 'not exported', warnings: [`${closed}, so its users will not carry it; ${fix}`] };
}

/** Whether users of the audience carry its label. */
export function isExported({ config }: Job, audience: Audience): boolean {
  return audience.is_public || config.audiences === 'all';
}

const figure = (value: number) => value.toLocaleString('en-US');

function minutes(seconds: number): string {
  return seconds < 90 ? `${Math.ceil(seconds)} s` : `${figure(Math.ceil(seconds / 60))} min`;
}
