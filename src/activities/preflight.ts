import { Context } from '@temporalio/activity';
import type { GigyaAuthorization } from '../authorizations.ts';
import { type Job, parseJob } from '../job.ts';
import { labelOf } from '../mapping/catalogue.ts';
import type { FieldTypes } from '../record.ts';
import { currentAttempt } from './attempt.ts';
import { checkAll, type Findings, isExported } from './checks.ts';
import type { Connections } from './connections.ts';
import { assertOnlyRun } from './onlyRun.ts';
import type { ProvenLanes } from './proveLanes.ts';

/** What preflight determines before the first page. */
export interface Plan {
  /** The job document with its defaults. */
  job: Job;
  audience: {
    id: string;
    slug: string;
    /** Its other names in memberships; absent when it has none. */
    name?: string;
    public_name?: string;
    /** What the audience is called in Gigya; absent when its users do not carry it. */
    label?: string;
    /** Users, as Lytics reports it. */
    size?: number;
  };
  /** The lanes of its scans; absent when they have one. */
  lanes?: ProvenLanes;
  /** Types of the Gigya fields that the job maps to; absent when it maps none. */
  field_types?: FieldTypes;
  /** Ids of the audiences whose members are not exported; absent when there are none. */
  excluded?: string[];
  /** What the authorization allows; in a preview only. */
  limits?: { calls_per_second: number; searches_per_second: number };
  /** How long Gigya's search may lag, in seconds. */
  index_lag_seconds: number;
  /** Seconds without a finished page after which an alert is sent. */
  alert_after_seconds: number;
  warnings: string[];
}

/** Checks everything that a run needs before anything is written. */
export function createPreflight(connections: Connections, alertAfterSeconds: number) {
  return async (document: unknown): Promise<Plan> => {
    const attempt = currentAttempt();
    // Before the checks, since it may wait for long, and after them, when Temporal's list of runs has caught up.
    const name = nameOfRun(document);
    if (name !== undefined) await assertOnlyRun(Context.current(), name);
    const { findings, warnings } = await checkAll({ document, connections, attempt });
    const { job, proof } = findings;
    Context.current().log.info(`Preflight: ${proof.found}`);
    if (!job.config.dry_run) await assertOnlyRun(Context.current(), job.name);
    const lanes = proof.lanes && { lanes: proof.lanes };
    return { ...settingsOf(findings), ...lanes, alert_after_seconds: alertAfterSeconds, warnings };
  };
}

/** The name of a job that writes; undefined for a preview, and for a document that the checks will refuse. */
function nameOfRun(document: unknown): string | undefined {
  try {
    const { name, config } = parseJob(document);
    return config.dry_run ? undefined : name;
  } catch {
    return undefined;
  }
}

/** The part of a plan that follows from the job alone. */
export function settingsOf({
  job,
  audience,
  authorization,
  fieldTypes,
  excluded = [],
}: Findings): Omit<Plan, 'lanes' | 'alert_after_seconds' | 'warnings'> {
  return {
    job,
    audience: {
      id: audience.id,
      slug: audience.slug_name,
      ...(audience.name !== undefined && { name: audience.name }),
      ...(audience.public_name !== undefined && { public_name: audience.public_name }),
      ...(isExported(job, audience) && { label: labelOf(audience, job.config) }),
      ...(audience.size !== undefined && { size: audience.size }),
    },
    ...(job.config.mappings.length > 0 && { field_types: fieldTypes }),
    ...(excluded.length > 0 && { excluded: excluded.map(({ id }) => id) }),
    ...(job.config.dry_run && { limits: limitsOf(authorization) }),
    index_lag_seconds: authorization.index_lag_seconds,
  };
}

function limitsOf({ limits }: GigyaAuthorization): NonNullable<Plan['limits']> {
  const { calls_per_second, searches_per_second } = limits;
  return { calls_per_second, searches_per_second };
}
