import type { JobConfig } from '../job.ts';
import type { Row } from '../lytics/client.ts';
import type { Data, UserRecord, Value } from '../record.ts';
import type { Catalogue } from './catalogue.ts';
import { membershipOf } from './membership.ts';

/** A user as a source found them. */
export interface User {
  uid: string;
  /** The user's profile; undefined when Lytics does not know them. */
  row: Row | undefined;
  /** The audiences that the user is in, in Lytics' words. */
  audiences: readonly string[];
}

/** What the resolvers of a field can use. */
interface Resolved {
  user: User;
  labels: readonly string[];
}

/** Where the value of one Gigya field comes from. One more field to export is one more of these. */
interface Resolver {
  field: string;
  value(resolved: Resolved): Value;
}

/** Turns users into records. Nothing beyond this knows of audiences, labels and Lytics' fields. */
export interface Mapping {
  recordOf(user: User): UserRecord;
  /** Audiences of users that Lytics does not list, and that are not exported. */
  readonly unlisted: ReadonlySet<string>;
}

export function createMapping(config: JobConfig, catalogue: Catalogue): Mapping {
  const unlisted = new Set<string>();
  const resolvers = resolversOf(config);
  return {
    unlisted,
    recordOf(user) {
      const membership = membershipOf(user.audiences, catalogue, config);
      for (const name of membership.unlisted) unlisted.add(name);
      const resolved = { user, labels: membership.labels };
      const data: Data = Object.fromEntries(resolvers.map(({ field, value }) => [field, value(resolved)]));
      return { uid: user.uid, data };
    },
  };
}

/** The Gigya fields that a job writes. */
export function fieldsOf(config: JobConfig): string[] {
  return resolversOf(config).map(({ field }) => field);
}

function resolversOf({ gigya_field }: JobConfig): Resolver[] {
  return [{ field: gigya_field, value: ({ labels }) => labels }];
}
