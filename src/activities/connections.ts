import {
  type Authorization,
  AuthorizationError,
  type GigyaAuthorization,
  namesOfProvider,
  readAuthorization,
  resolveSecrets,
} from '../authorizations.ts';
import { type Gigya, type GigyaObserver, openGigya } from '../gigya/client.ts';
import { InvalidJob, type Job } from '../job.ts';
import { type Lytics, type LyticsObserver, openLytics } from '../lytics/client.ts';

export interface ConnectionsOptions {
  /** The authorizations file; read for each activity, so that a rotated secret needs no restart. */
  authorizationsFile: string;
  gigyaObserver?: GigyaObserver;
  lyticsObserver?: LyticsObserver;
  /** Timeout of a reply, in ms. @default 30_000 */
  timeoutMs?: number | undefined;
  /** The first wait before a call is sent again, in ms. @default 1000 */
  retryMs?: number | undefined;
}

export interface GigyaConnection {
  gigya: Gigya;
  authorization: GigyaAuthorization;
}

/** A worker's connections: one for each authorization, shared by all jobs, so that they share its rate limit too. */
export interface Connections {
  lytics(authIds: Job['auth_ids']): Promise<Lytics>;
  gigya(authIds: Job['auth_ids']): Promise<GigyaConnection>;
  /** The provider of an authorization. */
  providerOf(name: string): Promise<Authorization['provider']>;
  close(): Promise<void>;
}

interface Open<C> {
  /** The authorization with its secrets, to detect changes. */
  key: string;
  client: C;
}

export function createConnections(options: ConnectionsOptions): Connections {
  const { authorizationsFile: file, gigyaObserver, lyticsObserver, timeoutMs, retryMs } = options;
  const lyticsClients = new Map<string, Open<Lytics>>();
  const gigyaClients = new Map<string, Open<Gigya>>();

  function reuse<A extends Authorization, C>(
    clients: Map<string, Open<C>>,
    name: string,
    authorization: A,
    open: () => C,
  ): C {
    const key = JSON.stringify(authorization);
    const known = clients.get(name);
    if (known?.key === key) return known.client;
    const client = open();
    // The old one is not closed: activities in flight still use it, and its idle sockets close by themselves.
    clients.set(name, { key, client });
    return client;
  }

  return {
    async lytics(authIds) {
      const [name, written] = await findLytics(file, authIds);
      const authorization = await resolveSecrets(name, written, file);
      return reuse(lyticsClients, name, authorization, () =>
        openLytics(name, authorization, {
          ...(lyticsObserver && { observer: lyticsObserver }),
          timeoutMs,
          retryMs,
        }),
      );
    },
    async gigya(authIds) {
      const [name, written] = await find(file, authIds, isGigya, 'Gigya');
      const authorization = await resolveSecrets(name, written, file);
      const gigya = reuse(gigyaClients, name, authorization, () =>
        openGigya(name, authorization, {
          ...(gigyaObserver && { observer: gigyaObserver }),
          timeoutMs,
          retryMs,
        }),
      );
      return { gigya, authorization };
    },
    async providerOf(name) {
      return (await readAuthorization(file, name)).provider;
    },
    async close() {
      const clients = [...lyticsClients.values(), ...gigyaClients.values()];
      await Promise.all(clients.map(({ client }) => client.close()));
    },
  };
}

const isLytics = (authorization: Authorization) => authorization.provider === 'lytics';
const isGigya = (authorization: Authorization) => authorization.provider === 'gigya';

/** The job's Lytics authorization; if the job names only Gigya's, the only Lytics one in the file. */
async function findLytics(file: string, authIds: Job['auth_ids']) {
  const [name = ''] = authIds;
  const isGigyaAlone = authIds.length === 1 && isGigya(await readAuthorization(file, name));
  return find(file, isGigyaAlone ? [await onlyLytics(file)] : authIds, isLytics, 'Lytics');
}

async function onlyLytics(file: string): Promise<string> {
  const [name, ...others] = await namesOfProvider(file, 'lytics');
  if (name === undefined) {
    throw new AuthorizationError(`The authorizations file ${file} has no authorization for Lytics; add one`);
  }
  if (others.length === 0) return name;
  const names = [name, ...others].map((id) => `"${id}"`).join(', ');
  throw new InvalidJob([
    `auth_ids: the worker has several authorizations for Lytics (${names}); add the one to use`,
  ]);
}

async function find<A extends Authorization>(
  file: string,
  authIds: Job['auth_ids'],
  isWanted: (authorization: Authorization) => authorization is Authorization & A,
  provider: string,
): Promise<[name: string, authorization: A]> {
  for (const name of authIds) {
    const authorization = await readAuthorization(file, name);
    if (isWanted(authorization)) return [name, authorization];
  }
  throw new InvalidJob([
    `auth_ids: names no authorization for ${provider}; name one for Gigya, or it and one for Lytics`,
  ]);
}
