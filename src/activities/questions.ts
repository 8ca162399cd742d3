import { type Authorization, readAuthorizations } from '../authorizations.ts';
import { proveCredentials } from '../gigya/credentials.ts';
import { type Attempt, currentAttempt } from './attempt.ts';
import { type CheckResult, checkEach } from './checks.ts';
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

/** What people ask before there is a job. The worker answers, since it alone has the secrets. */
export function createQuestions(connections: Connections, authorizationsFile: string) {
  return {
    async listAuthorizations(): Promise<AuthorizationInfo[]> {
      const authorizations = await readAuthorizations(authorizationsFile);
      return Object.entries(authorizations).map(([name, authorization]) => ({
        name,
        provider: authorization.provider,
        where: whereOf(authorization),
      }));
    },

    /** Proves an authorization by a call; throws what is wrong with it. */
    proveAuthorization: (name: string): Promise<void> => prove(connections, name, currentAttempt()),

    async listAudiences(authorization: string): Promise<AudienceInfo[]> {
      const lytics = await connections.lytics([authorization]);
      const audiences = await lytics.audiences(currentAttempt().reading);
      return audiences
        .map(({ id, slug_name, name, size, is_public }) => ({
          id,
          slug: slug_name,
          name: name ?? slug_name,
          size: size ?? null,
          is_public,
        }))
        .sort((one, other) => one.name.localeCompare(other.name));
    },

    checkJob: (document: unknown): Promise<CheckResult[]> =>
      checkEach({ document, connections, attempt: currentAttempt() }),
  };
}

async function prove(connections: Connections, name: string, { reading }: Attempt): Promise<void> {
  if ((await connections.providerOf(name)) === 'lytics') {
    await (await connections.lytics([name])).audiences(reading);
  } else {
    const { gigya } = await connections.gigya([name]);
    await proveCredentials(gigya, reading);
  }
}

function whereOf(authorization: Authorization): string {
  if (authorization.provider === 'lytics') return authorization.base_url;
  return authorization.base_url ?? authorization.datacenter ?? '';
}
