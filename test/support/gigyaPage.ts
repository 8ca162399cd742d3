import type { Info } from '@temporalio/activity';
import type { Sandbox } from '../../sandbox/client.ts';
import type { WrittenPage } from '../../src/activities/checkpoint.ts';
import type { Activities } from '../../src/activities/index.ts';
import type { Plan } from '../../src/activities/preflight.ts';
import type { PageToWrite } from '../../src/activities/updateGigya.ts';
import { type AttemptOfActivity, attemptOf } from './activity.ts';
import { openActivities, planOf, sealUsers } from './activityRig.ts';

export type User = readonly [uid: string, audiences: readonly string[], copies?: number];

export interface Writing {
  plan?: Plan;
  activities?: Activities;
  authorizationsFile?: string;
  readBack?: PageToWrite['readBack'];
  earlier?: PageToWrite['earlier'];
  info?: Partial<Info>;
  attempt?: AttemptOfActivity;
  /** What an earlier activity left of the page. */
  done?: string;
}

/** Passes a page with these users to `updateGigya`. */
export async function writePage(
  sandbox: Sandbox,
  users: readonly User[],
  {
    plan = planOf(),
    authorizationsFile = sandbox.authorizationsFile,
    activities = openActivities(authorizationsFile),
    readBack = { write: false, replacement: false },
    earlier = { handled: 0, failures: {} },
    info = {},
    attempt = attemptOf(info),
    done,
  }: Writing = {},
): Promise<WrittenPage> {
  const page = await sealUsers(authorizationsFile, users);
  return attempt.run(activities.updateGigya, {
    plan,
    page,
    readBack,
    earlier,
    isSettled: false,
    ...(done !== undefined && { done }),
  });
}

let made = 0;

/** Separate accounts for a test, in the search index; each holds the given values, in the field or in its object. */
export async function accountsHolding(
  sandbox: Sandbox,
  storage: 'account' | 'data_store',
  ...holding: unknown[]
): Promise<string[]> {
  const uids = holding.map(() => `uid-${++made}`);
  const isAccount = storage === 'account';
  await sandbox.admin.putAccounts(
    ...uids.map((uid, n) => ({
      uid,
      data: { shop: 'Graz', ...(isAccount && holding[n] !== undefined && { lytics_segments: holding[n] }) },
    })),
  );
  if (!isAccount) {
    for (const [n, uid] of uids.entries()) {
      if (holding[n] !== undefined) await storeObject(sandbox, uid, holding[n]);
    }
  }
  await sandbox.admin.clearJournal();
  return uids;
}

/** Stores a user's object in the Data Store, past this product. */
export async function storeObject(sandbox: Sandbox, UID: string, segments: unknown): Promise<void> {
  const { api_key: apiKey, user_key: userKey, secret_key: secret } = sandbox.authorizations.gigya;
  const data = JSON.stringify({ lytics_segments: segments });
  const form = { apiKey, userKey, secret, UID, type: 'lytics', oid: 'lytics', data };
  await fetch(`${sandbox.url}/ds.store`, { method: 'POST', body: new URLSearchParams(form) });
}

/** The current values of a user; undefined when there are none. */
export async function heldBy(
  sandbox: Sandbox,
  storage: 'account' | 'data_store',
  uid: string,
): Promise<unknown> {
  const { account, objects } = await sandbox.admin.held(uid);
  return storage === 'account' ? account?.data['lytics_segments'] : objects[0]?.data['lytics_segments'];
}
