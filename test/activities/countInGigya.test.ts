import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Plan } from '../../src/activities/preflight.ts';
import { attemptOf } from '../support/activity.ts';
import { failureOf, openActivities, planOf } from '../support/activityRig.ts';
import { gigyaAuthorization } from '../support/authorizations.ts';
import { type GigyaReply, refusal, serveGigya } from '../support/gigyaServer.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

/** Counts in a Gigya that answers so. */
async function count(reply: GigyaReply, plan: Plan = planOf()) {
  const { url, calls, close } = await serveGigya(() => reply);
  onTestFinished(close);
  const authorizationsFile = join(temporaryFolder(), 'authorizations.json');
  const lytics = { provider: 'lytics', token: 'x', base_url: url };
  await writeFile(authorizationsFile, JSON.stringify({ lytics, gigya: gigyaAuthorization(url) }));
  const { countInGigya } = openActivities(authorizationsFile);
  const counting = attemptOf().run(countInGigya, plan);
  return { counting, calls };
}

describe('the accounts that carry the audience', () => {
  it('are counted by one search, by what the audience is called in Gigya', async () => {
    const plan = planOf({ audience_format: 'name' }, { label: 'VIP customers' });
    const { counting, calls } = await count({ results: [], totalCount: 1_234 }, plan);
    expect(await counting).toBe(1_234);
    expect(calls.map(({ method, form }) => [method, form['query']])).toEqual([
      [
        'accounts.search',
        'SELECT UID FROM accounts WHERE data.lytics_segments contains "VIP customers" LIMIT 1',
      ],
    ]);
  });

  it('are not, when it does not stand in its own users', async () => {
    const plan = planOf();
    delete plan.audience.label;
    const { counting, calls } = await count({ totalCount: 5 }, plan);
    expect(await counting).toBeNull();
    expect(calls).toEqual([]);
  });

  it('are not, when no query can hold its name', async () => {
    const { counting } = await count({ totalCount: 5 }, planOf({}, { label: 'The "Gold" members' }));
    expect(await counting).toBeNull();
  });

  it.each([
    ['refuses', refusal(403007)],
    ['tells no total', { results: [] }],
    ['answers in another shape', { totalCount: 'many' }],
  ])('are not, when Gigya %s: the run is done, and that does not undo it', async (_what, reply) => {
    expect(await (await count(reply)).counting).toBeNull();
  });

  it('are asked for again when Gigya does not answer', async () => {
    const { counting } = await count(refusal(503001));
    expect(await failureOf(counting)).toMatchObject({ type: 'Gigya', nonRetryable: false });
  });
});
