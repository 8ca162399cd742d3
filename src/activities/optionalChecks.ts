import type { JobConfig } from '../job.ts';
import type { MappingTarget } from '../jobMappings.ts';
import type { Audience } from '../lytics/client.ts';
import { createCatalogue } from '../mapping/catalogue.ts';
import { allAudiencesIn, createExclusion } from '../mapping/exclusion.ts';
import { audiencesIn } from '../mapping/membership.ts';
import { isBlank, isForMaps, MISFIT, valueFor } from '../mapping/values.ts';
import { nearestName } from '../nearest.ts';
import type { FieldType } from '../record.ts';
import type { Finding, Findings } from './checks.ts';
import { finalFailure } from './failures.ts';

/** Finds the audiences that the job excludes, by any of their names. */
export function findExcluded({
  job,
  listed,
  audience,
}: Pick<Findings, 'job' | 'listed' | 'audience'>): Finding {
  const catalogue = createCatalogue(listed);
  const excluded = new Map<string, Audience>();
  for (const name of job.config.exclude_segment_ids) {
    const found = catalogue.find(name);
    if (!found) throw finalFailure('Configuration', describeUnknown(name, listed));
    if (found.id === audience.id) {
      throw finalFailure(
        'Configuration',
        `The audience "${audience.slug_name}" is exported and excluded, so nobody would carry it; remove "${name}" from config.exclude_segment_ids`,
      );
    }
    excluded.set(found.id, found);
  }
  const audiences = [...excluded.values()];
  return {
    found: audiences.map(({ name, slug_name }) => `"${name ?? slug_name}"`).join(', '),
    findings: { excluded: audiences },
  };
}

function describeUnknown(name: string, listed: readonly Audience[]): string {
  const names = listed.flatMap((audience) => [audience.slug_name, audience.name ?? audience.id]);
  const nearest = nearestName(name, names);
  const fix = nearest === undefined ? 'correct config.exclude_segment_ids' : `did you mean "${nearest}"?`;
  return `config.exclude_segment_ids: Lytics has no audience "${name}"; ${fix}`;
}

/** Whether excluded users can be told from others by their rows. */
export function checkExcluded({
  job,
  rows,
  listed,
  excluded = [],
}: Pick<Findings, 'job' | 'rows' | 'listed' | 'excluded'>): Finding {
  const { config } = job;
  const ids = excluded.map(({ id }) => id);
  const excludes = createExclusion(ids, createCatalogue(listed));
  const users = rows.filter((row) => excludes(allAudiencesIn(row))).length;
  const found = `${users} of the first ${rows.length} users are excluded`;
  const closed = excluded.filter(({ is_public }) => !is_public);
  // A row without a membership is looked up by profile, which names all audiences.
  const isBlind = rows.some((row) => audiencesIn(row, config) && !Array.isArray(row['segments_all']));
  if (closed.length === 0 || !isBlind) return { found };
  const names = closed.map(({ slug_name }) => `"${slug_name}"`).join(', ');
  const fault = `${names} in config.exclude_segment_ids: not open to Lytics' API, and the rows do not name audiences that are not, so members of it cannot be told from others and would be exported; open it in Lytics, or set config.audiences to "all"`;
  throw finalFailure('Configuration', fault);
}

/** A misspelt Lytics field would clear its Gigya field for everyone, and one of another type would never be written. */
export function checkMapped({
  job,
  rows,
  fieldTypes = {},
}: Pick<Findings, 'job' | 'rows'> & Partial<Pick<Findings, 'fieldTypes'>>): Finding {
  const fields = mappedFields(job.config);
  const known = new Set(rows.flatMap((row) => Object.keys(row)));
  const count = (field: string) => rows.filter((row) => !isBlank(row[field])).length;
  const found = fields.map(([field]) => `${field} is set for ${count(field)}`).join(', ');
  const warnings = fields.flatMap(([field, { field: to, on_null }]) => {
    if (rows.length === 0 || count(field) > 0) return [];
    const nearest = known.has(field) ? undefined : nearestName(field, known);
    const effect = on_null === 'clear' ? `data.${to} is cleared for them` : `data.${to} is left as it is`;
    const hint = nearest === undefined ? 'check config.mappings' : `did you mean "${nearest}"?`;
    return [`None of the first ${rows.length} users has a value in ${field}: ${effect}; ${hint}`];
  });
  const unfit = fields.flatMap(([field, target]) => {
    const values = rows.map((row) => row[field]).filter((value) => !isBlank(value));
    return describeUnfit(field, target, values, fieldTypes[target.field]);
  });
  return { found: `${found} of the first ${rows.length} users`, warnings: [...warnings, ...unfit] };
}

/** @param values Those of the first users, where Lytics has one. */
function describeUnfit(
  lyticsField: string,
  target: MappingTarget,
  values: readonly unknown[],
  type: FieldType | undefined,
): string[] {
  const misfits = values.filter((value) => valueFor(value, target, type) === MISFIT).length;
  if (misfits > 0) {
    const users = `${misfits} of the ${values.length} values of ${lyticsField}`;
    const [what, fix] = isForMaps(target)
      ? ['not maps of scores, which "top" and "min" need', 'remove these']
      : [`not fit for data.${target.field}, a field of type ${type}`, 'map it to a field of another type'];
    return [`${users} are ${what}: data.${target.field} is left as it is for these users; ${fix}`];
  }
  if (!isForMaps(target) || !values.some(Array.isArray)) return [];
  return [`${lyticsField} has lists, where "top" and "min" have no effect: every entry is exported`];
}

export function mappedFields(config: JobConfig): [lyticsField: string, target: MappingTarget][] {
  return config.mappings.flatMap((mapping) => Object.entries(mapping));
}

/** Each write to an account fires a webhook of Gigya's, unless it is muted. */
export function checkWebhooks({ job, audience }: Pick<Findings, 'job' | 'audience'>): Finding {
  const { config } = job;
  const { size } = audience;
  if (config.target_storage === 'data_store') {
    const found = 'nothing is written to accounts';
    if (!config.mute_webhooks) return { found };
    return { found, warnings: ['config.mute_webhooks has no effect: ds.store has no parameter for it'] };
  }
  if (config.mute_webhooks) return { found: 'muted' };
  const writes = size === undefined ? 'one a write' : `up to ${size.toLocaleString('en-US')}, one a write`;
  return { found: `a first run fires ${writes}; "mute_webhooks": true fires none` };
}
