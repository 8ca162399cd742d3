import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ApplicationFailure } from '@temporalio/common';
import { onTestFinished } from 'vitest';
import type { Sandbox } from '../../sandbox/client.ts';
import { type ConnectionsOptions, createConnections } from '../../src/activities/connections.ts';
import { type Activities, createActivities } from '../../src/activities/index.ts';
import type { Plan } from '../../src/activities/preflight.ts';
import { openPage, type Page, sealingKey, sealPage } from '../../src/activities/sealedPage.ts';
import { type GigyaAuthorization, readAuthorizations } from '../../src/authorizations.ts';
import { type JobDocument, parseJob } from '../../src/job.ts';
import { jobDocument } from './jobs.ts';
import { temporaryFolder } from './temporaryFolder.ts';

/** A worker's activities for the duration of the test, with separate connections. */
export function openActivities(
  authorizationsFile: string,
  options: Omit<ConnectionsOptions, 'authorizationsFile'> = {},
): Activities {
  const connections = createConnections({ authorizationsFile, retryMs: 1, timeoutMs: 5_000, ...options });
  onTestFinished(() => connections.close());
  return createActivities({ connections, authorizationsFile });
}

/** The sandbox's authorizations file with changes to some of the authorizations. */
export async function changedAuthorizations(
  sandbox: Sandbox,
  changes: Record<string, Record<string, unknown>>,
): Promise<string> {
  const written: Record<string, Record<string, unknown>> = JSON.parse(
    await readFile(sandbox.authorizationsFile, 'utf8'),
  );
  for (const [name, change] of Object.entries(changes)) written[name] = { ...written[name], ...change };
  const file = join(temporaryFolder(), 'authorizations.json');
  await writeFile(file, JSON.stringify(written));
  return file;
}

/** The result of a preflight. */
export function planOf(
  config: Partial<JobDocument['config']> = {},
  audience: Partial<Plan['audience']> = {},
): Plan {
  return {
    job: parseJob(jobDocument('Test', config)),
    audience: { id: 'vip', slug: 'vip', label: 'vip', ...audience },
    index_lag_seconds: 0,
    alert_after_seconds: 1800,
    warnings: [],
  };
}

export async function keyOf(authorizationsFile: string): Promise<Uint8Array> {
  const authorization = (await readAuthorizations(authorizationsFile))['gigya'];
  if (authorization?.provider !== 'gigya') throw new Error('There is no authorization "gigya"');
  const gigya: GigyaAuthorization = authorization;
  return sealingKey(gigya);
}

/** Records as `fetchMembership` passes them on; the third element is their number of rows. */
export async function sealUsers(
  authorizationsFile: string,
  users: readonly (readonly [uid: string, audiences: readonly string[], copies?: number])[],
): Promise<string> {
  const page: Page = {
    records: users.map(([uid, audiences]) => ({ uid, data: { lytics_segments: audiences } })),
    copies: users.flatMap(([uid, , copies = 1]) => (copies > 1 ? [[uid, copies]] : [])),
  };
  return sealPage(page, await keyOf(authorizationsFile));
}

/** The content of a sealed page: the audiences of each UID and its number of rows. */
export async function openUsers(
  authorizationsFile: string,
  sealed: string | null,
): Promise<Map<string, { audiences: unknown; copies: number }>> {
  if (sealed === null) return new Map();
  const { records, copies } = await openPage(sealed, await keyOf(authorizationsFile));
  const rows = new Map(copies);
  return new Map(
    records.map(({ uid, data }) => [uid, { audiences: data['lytics_segments'], copies: rows.get(uid) ?? 1 }]),
  );
}

/** The failure of an activity. Throws when it did not fail. */
export async function failureOf(running: Promise<unknown>): Promise<ApplicationFailure> {
  const failure = await running.then(
    (result) => {
      throw new Error(`It was to fail, and gave ${JSON.stringify(result)}`);
    },
    (reason: unknown) => reason,
  );
  if (failure instanceof ApplicationFailure) return failure;
  throw failure;
}
