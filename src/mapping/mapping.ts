import type { JobConfig } from '../job.ts';
import type { Row } from '../lytics/client.ts';
import type { FieldTypes, UserRecord, Value } from '../record.ts';
import type { Catalogue } from './catalogue.ts';
import { createExclusion } from './exclusion.ts';
import { membershipOf } from './membership.ts';
import { isBlank, MISFIT, valueFor } from './values.ts';

/** A user as a source found them. */
export interface User {
  uid: string;
  /** The user's profile; undefined when Lytics does not know them. */
  row: Row | undefined;
  /** The audiences that the user is in, of those that the job exports, in Lytics' words. */
  audiences: readonly string[];
  /** All audiences that the user is in, as far as Lytics shows them; for exclusion. */
  memberOf: readonly string[];
}

/** The parts of a plan that a mapping uses. */
export interface Mapped {
  job: { config: JobConfig };
  audience: { id?: string; slug?: string; name?: string; public_name?: string; label?: string };
  /** Absent when the job maps no fields. */
  field_types?: FieldTypes;
  /** Ids of the audiences whose members are not exported; absent when there are none. */
  excluded?: readonly string[];
}

/** The inputs of a resolver. */
interface Resolved {
  /** Undefined for excluded users, and for users unknown to Lytics. */
  row: Row | undefined;
  labels: readonly string[];
}

/** Computes the value of one Gigya field. To export another field, add a resolver. */
interface Resolver {
  field: string;
  /** Undefined leaves the field as it is in Gigya. */
  value(resolved: Resolved): Value | undefined;
}

/** Turns users into records. Only this knows audiences, labels and Lytics' fields. */
export interface Mapping {
  /** The record of an excluded user has neither the job's audience nor values of Lytics' fields. */
  recordOf(user: User): UserRecord;
  isExcluded(user: User): boolean;
  /** Audiences of users that Lytics does not list, and that are not exported. */
  readonly unlisted: ReadonlySet<string>;
  /** Lytics fields with values that do not fit their Gigya field; these are left as they are in Gigya. */
  readonly misfits: ReadonlySet<string>;
}

export function createMapping(plan: Mapped, listed: Catalogue): Mapping {
  const { config } = plan.job;
  const catalogue = withExported(plan.audience, listed);
  const unlisted = new Set<string>();
  const misfits = new Set<string>();
  const excludes = createExclusion(plan.excluded ?? [], catalogue);
  const isExcluded = ({ memberOf }: User) => excludes(memberOf);
  const resolvers = resolversOf(config, plan.field_types ?? {}, misfits);
  return {
    unlisted,
    misfits,
    isExcluded,
    recordOf(user) {
      const membership = membershipOf(user.audiences, catalogue, config);
      for (const name of membership.unlisted) unlisted.add(name);
      const resolved: Resolved = isExcluded(user)
        ? { row: undefined, labels: membership.labels.filter((label) => label !== plan.audience.label) }
        : { row: user.row, labels: membership.labels };
      const data = resolvers.flatMap(({ field, value }): [string, Value][] => {
        const found = value(resolved);
        return found === undefined ? [] : [[field, found]];
      });
      return { uid: user.uid, data: Object.fromEntries(data) };
    },
  };
}

/** Its own members must carry the job's audience, although Lytics' list may lack a new one, or have another of its name. */
function withExported(
  { id, slug, name, public_name, label }: Mapped['audience'],
  listed: Catalogue,
): Catalogue {
  if (id === undefined || slug === undefined || label === undefined) return listed;
  const own = { id, slug_name: slug, name, public_name, size: undefined, is_public: true };
  return listed.preferring(listed.find(id) ?? own);
}

/** The Gigya fields that a job writes. */
export function fieldsOf(config: JobConfig): string[] {
  return resolversOf(config, {}, new Set()).map(({ field }) => field);
}

function resolversOf(config: JobConfig, types: FieldTypes, misfits: Set<string>): Resolver[] {
  const mapped = config.mappings.flatMap((mapping) => Object.entries(mapping));
  return [
    { field: config.gigya_field, value: ({ labels }) => labels },
    ...mapped.map(([lyticsField, target]): Resolver => {
      const { field, on_null } = target;
      return {
        field,
        value({ row }) {
          const raw = row && Object.hasOwn(row, lyticsField) ? row[lyticsField] : undefined;
          if (isBlank(raw) && on_null === 'keep') return undefined;
          const value = valueFor(raw, target, types[field]);
          if (value !== MISFIT) return value;
          misfits.add(lyticsField);
          return undefined;
        },
      };
    }),
  ];
}
