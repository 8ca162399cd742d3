import { Context } from '@temporalio/activity';
import { type Authorization, readAuthorizations } from '../authorizations.ts';
import { proveCredentials } from '../gigya/credentials.ts';
import type { Job, JobDocument } from '../job.ts';
import type { Lytics } from '../lytics/client.ts';
import { LyticsError } from '../lytics/errors.ts';
import type { RunReference } from '../rows.ts';
import { type KeyPair, openSealed, type PublicKey, sealTo } from '../sealedTo.ts';
import { type Attempt, currentAttempt } from './attempt.ts';
import type { Catalogues } from './catalogues.ts';
import { type CheckResult, checkEach } from './checks.ts';
import type { Connections } from './connections.ts';
import { explainUser } from './explainUser.ts';
import type { NewestRun } from './explanation.ts';
import { finalFailure } from './failures.ts';
import { questionKeyOf } from './questionKey.ts';
import { createReadRows } from './readRows.ts';

/** An authorization without its secrets. */
export interface AuthorizationInfo {
  name: string;
  provider: 'lytics' | 'gigya';
  /** The data center or the base URL. */
  where: string;
}

export interface AudienceInfo {
  id: string;
  slug: string;
  name: string;
  size: number | null;
  is_public: boolean;
}

/** States of a job that somebody deleted in Lytics. */
const DELETED: readonly string[] = ['deleted', 'deleting'];

/** A job of Lytics' own workflow `gigya-export`, for a list of them. */
export interface LyticsJobInfo {
  id: string;
  name: string;
  /** Lytics' state: `running`, `sleeping`, … */
  status: string;
  segment_id: string;
  continuous_update: boolean;
}

/** Asks for an explanation of one user. */
export interface ExplainQuestion {
  document: JobDocument;
  /** The user's UID, sealed to the key that `questionKey` returns. */
  uid: string;
  /** The newest run of the job that wrote, and its state; null when there is none. */
  run: (RunReference & Pick<NewestRun, 'state'>) | null;
  /** What the answer is sealed to. */
  publicKey: PublicKey;
}

/** Answers the client's questions. They run on the worker, since only it has the secrets. */
export function createQuestions(
  connections: Connections,
  authorizationsFile: string,
  catalogues: Catalogues,
) {
  return {
    async listAuthorizations(): Promise<AuthorizationInfo[]> {
      const authorizations = await readAuthorizations(authorizationsFile);
      return Object.entries(authorizations).map(([name, authorization]) => ({
        name,
        provider: authorization.provider,
        where: whereOf(authorization),
      }));
    },

    /** Tests an authorization with a call. @throws what is wrong with it. */
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

    async listLyticsJobs(authorization: string): Promise<LyticsJobInfo[]> {
      const lytics = await connections.lytics([authorization]);
      const jobs = await lytics.exportJobs(currentAttempt().reading);
      return jobs
        .filter(({ deleted, status }) => deleted !== true && !DELETED.includes(status ?? ''))
        .map(({ id, name, status, config }) => ({
          id,
          name: name ?? '',
          status: status ?? '',
          segment_id: config?.segment_id ?? '',
          continuous_update: config?.continuous_update ?? false,
        }))
        .sort((one, other) => one.name.localeCompare(other.name));
    },

    /** The job as Lytics returns it: it names an authorization, and has no secret. */
    async readLyticsJob(authorization: string, id: string): Promise<Record<string, unknown>> {
      const lytics = await connections.lytics([authorization]);
      return readJob(lytics, id, currentAttempt());
    },

    readRows: createReadRows(connections),

    checkJob: (document: unknown): Promise<CheckResult[]> =>
      checkEach({ document, connections, attempt: currentAttempt() }),

    /** The key that user data in a question is sealed to, for a job with these authorizations. */
    async questionKey(authIds: Job['auth_ids']): Promise<PublicKey> {
      return questionKeyOf((await connections.gigya(authIds)).authorization).publicKey;
    },

    /** Explains why a user holds what they hold. The answer is sealed, and an {@link Explanation}. */
    async explainUser({ document, uid, run, publicKey }: ExplainQuestion): Promise<string> {
      const { authorization } = await connections.gigya(document.auth_ids);
      const attempt = currentAttempt();
      const explanation = await explainUser({
        document,
        uid: await openUid(uid, questionKeyOf(authorization)),
        run,
        client: run && Context.current().client,
        connections,
        catalogues,
        attempt,
      });
      return sealTo(publicKey, JSON.stringify(explanation));
    },
  };
}

async function openUid(sealed: string, { privateKey }: KeyPair): Promise<string> {
  try {
    return await openSealed(privateKey, sealed);
  } catch {
    throw finalFailure(
      'Configuration',
      'The question cannot be opened: the Gigya secret was changed meanwhile, or workers have different secrets; ask again',
    );
  }
}

async function prove(connections: Connections, name: string, { reading }: Attempt): Promise<void> {
  if ((await connections.providerOf(name)) === 'lytics') {
    await (await connections.lytics([name])).audiences(reading);
  } else {
    const { gigya } = await connections.gigya([name]);
    await proveCredentials(gigya, reading);
  }
}

async function readJob(lytics: Lytics, id: string, { reading }: Attempt): Promise<Record<string, unknown>> {
  return lytics.exportJob(id, reading).catch((error: unknown) => {
    if (!(error instanceof LyticsError) || !error.isRefused) throw error;
    throw finalFailure(
      'Configuration',
      `Lytics has no Gigya export job "${id}" (${error.message}); "import" without an id lists the jobs of "${lytics.name}"`,
    );
  });
}

function whereOf(authorization: Authorization): string {
  if (authorization.provider === 'lytics') return authorization.base_url;
  return authorization.base_url ?? authorization.datacenter ?? '';
}
