import { type Authorization, readAuthorizations } from '../authorizations.ts';
import { proveCredentials } from '../gigya/credentials.ts';
import { openStorage } from '../gigya/openStorage.ts';
import { parseJob } from '../job.ts';
import { uidsIn } from '../lytics/membership.ts';
import { runAttempt } from './attempt.ts';
import type { Connections } from './connections.ts';

/** What a person sees of an authorization: never its secrets. */
export interface AuthorizationInfo {
  name: string;
  provider: 'lytics' | 'gigya';
  /** The data centre or the base URL. */
  where: string;
}

export interface AudienceInfo {
  id: string;
  slug: string;
  name: string;
  size: number | null;
  is_public: boolean;
}

/** One thing that a job needs, looked at without writing anything. */
export interface Check {
  what: string;
  ok: boolean;
  /** What was found, or what to change. */
  found: string;
}

/** What people ask before there is a job; the worker answers, since it alone has the secrets. */
export function createQuestions(connections: Connections, authorizationsFile: string) {
  return {
    async listAuthorizations(): Promise<AuthorizationInfo[]> {
      const authorizations = await runAttempt(() => readAuthorizations(authorizationsFile));
      return Object.entries(authorizations).map(([name, authorization]) => ({
        name,
        provider: authorization.provider,
        where: whereOf(authorization),
      }));
    },

    /** Proves an authorization by a call; throws what is wrong with it. */
    proveAuthorization: (name: string): Promise<void> =>
      runAttempt(({ signal }) => prove(connections, name, signal)),

    listAudiences: (authorization: string): Promise<AudienceInfo[]> =>
      runAttempt(async ({ signal }) => {
        const lytics = await connections.lytics([authorization]);
        const audiences = await lytics.audiences({ signal });
        return audiences
          .map(({ id, slug_name, name, size, is_public }) => ({
            id,
            slug: slug_name,
            name: name ?? slug_name,
            size: size ?? null,
            is_public,
          }))
          .sort((one, other) => one.name.localeCompare(other.name));
      }),

    /** Looks at all that a job needs; a fault is an answer here, and no failure. */
    checkJob: (document: unknown): Promise<Check[]> =>
      runAttempt(async ({ signal }) => {
        const checks: Check[] = [];
        const look = async <T>(what: string, inspect: () => Promise<{ found: string; value: T }>) => {
          try {
            const { found, value } = await inspect();
            checks.push({ what, ok: true, found });
            return value;
          } catch (error) {
            signal.throwIfAborted();
            checks.push({ what, ok: false, found: error instanceof Error ? error.message : String(error) });
            return undefined;
          }
        };
        const job = await look('job document', async () => ({ found: 'valid', value: parseJob(document) }));
        if (!job) return checks;
        const { config, auth_ids } = job;

        const lytics = await look('Lytics credentials', async () => {
          const value = await connections.lytics(auth_ids);
          const audiences = await value.audiences({ signal });
          return { found: `"${value.name}" works; the account has ${audiences.length} audiences`, value };
        });
        const audience =
          lytics &&
          (await look('audience', async () => {
            const value = await lytics.audience(config.segment_id, { signal });
            const size =
              value.size === undefined ? 'an unknown number of' : value.size.toLocaleString('en-US');
            const access = value.is_public
              ? ''
              : "; not open to Lytics' API, so it will not stand in its own users' arrays";
            return { found: `"${value.name ?? value.slug_name}" has ${size} users${access}`, value };
          }));
        if (lytics && audience) {
          await look('Gigya ID field', async () => {
            const { rows } = await lytics.scan(audience.id, '', { signal });
            const having = rows.filter((row) => uidsIn(row, config.gigya_id_field).uids.length > 0).length;
            const found = `${config.gigya_id_field} is set for ${having} of the first ${rows.length} users`;
            if (having === 0 && rows.length > 0) throw new Error(`${found}; correct config.gigya_id_field`);
            return { found, value: undefined };
          });
        }

        const gigya = await look('Gigya credentials', async () => {
          const { gigya: value, authorization } = await connections.gigya(auth_ids);
          await proveCredentials(value, { signal });
          return { found: `"${value.name}" works, at ${whereOf(authorization)}`, value };
        });
        if (gigya) {
          await look('Gigya field', async () => {
            await openStorage(gigya, config).check({ signal });
            const place =
              config.target_storage === 'account'
                ? 'the account'
                : `the Data Store, type ${config.data_store_type}`;
            return { found: `data.${config.gigya_field} of ${place} can be written`, value: undefined };
          });
        }
        return checks;
      }),
  };
}

async function prove(connections: Connections, name: string, signal: AbortSignal): Promise<void> {
  const provider = await connections.providerOf(name);
  if (provider === 'lytics') {
    await (await connections.lytics([name])).audiences({ signal });
  } else {
    const { gigya } = await connections.gigya([name]);
    await proveCredentials(gigya, { signal });
  }
}

function whereOf(authorization: Authorization): string {
  if (authorization.provider === 'lytics') return authorization.base_url;
  return authorization.base_url ?? authorization.datacenter ?? '';
}
