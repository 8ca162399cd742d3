import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Plan } from '../../src/activities/preflight.ts';
import { attemptOf } from '../support/activity.ts';
import { failureOf, openActivities, planOf } from '../support/activityRig.ts';
import { gigyaAuthorization } from '../support/authorizations.ts';
import { type GigyaReply, refusal, serveGigya } from '../support/gigyaServer.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

/** Counts in a Gigya that answers like this. */
async function count(replies: GigyaReply | GigyaReply[], plan = planOf()) {
  const answers = Array.isArray(replies) ? replies : [replies];
  const { url, calls, close } = await serveGigya((_call, n) => answers[n] ?? answers.at(-1) ?? {});
  onTestFinished(close);
  const authorizationsFile = join(temporaryFolder(), 'authorizations.json');
  const lytics = { provider: 'lytics', token: 'x', base_url: url };
  await writeFile(authorizationsFile, JSON.stringify({ lytics, gigya: gigyaAuthorization(url) }));
  const { countCarriers } = openActivities(authorizationsFile);
  const counting = attemptOf().run(countCarriers, plan);
  return { counting, calls };
}

const user = (UID: string, ...lytics_segments: string[]) => ({ UID, data: { lytics_segments } });

const named: Plan = planOf({ audience_format: 'name' }, { label: 'VIP customers' });

describe('the users who carry the audience', () => {
  it("are counted by the audience's label in Gigya, across all batches", async () => {
    const batch = [user('a', 'VIP customers'), user('b', 'New', 'VIP customers')];
    const { counting, calls } = await count(
      [
        { results: batch, totalCount: 3, nextCursorId: 'c1' },
        { results: [user('c', 'VIP customers')], totalCount: 3 },
      ],
      named,
    );
    expect(await counting).toEqual({ carriers: 3, isExact: true });
    const query =
      'SELECT UID, data.lytics_segments FROM accounts WHERE data.lytics_segments contains "VIP customers" LIMIT 1000';
    expect(calls.map(({ method, form }) => [method, form['query'], form['cursorId']])).toEqual([
      ['accounts.search', query, undefined],
      ['accounts.search', undefined, 'c1'],
    ]);
  });

  it('must hold the exact label, because `contains` may match by word and count too many', async () => {
    const results = [
      user('a', 'vip'),
      user('b', 'vip_gold'),
      user('c', 'VIP'),
      user('d'),
      { UID: 'e', data: { lytics_segments: 'vip' } },
      { UID: 'f' },
      user('a', 'vip'),
    ];
    const { counting } = await count({ results, totalCount: 7 });
    expect(await counting).toEqual({ carriers: 1, isExact: true });
  });

  it("are taken from Gigya's own count when there are too many to read", async () => {
    const { counting, calls } = await count({
      results: [user('a', 'vip')],
      totalCount: 10_001,
      nextCursorId: 'more',
    });
    expect(await counting).toEqual({ carriers: 10_001, isExact: false });
    expect(calls).toHaveLength(1);
  });

  it('are not counted when Gigya reports no total and there are more batches than the limit', async () => {
    const { counting, calls } = await count({ results: [user('a', 'vip')], nextCursorId: 'more' });
    expect(await counting).toBeNull();
    expect(calls).toHaveLength(10);
  });

  it.each([404000, 404003])('are zero before the Data Store type exists: %i', async (code) => {
    const { counting } = await count(refusal(code), planOf({ target_storage: 'data_store' }));
    expect(await counting).toEqual({ carriers: 0, isExact: true });
    expect(await (await count(refusal(code))).counting).toBeNull();
  });

  it.each([-3_000, '70000', 'many', null])('are read whatever the total: %j', async (totalCount) => {
    const { counting } = await count({ results: [user('a', 'vip'), null, { UID: 5 }], totalCount });
    expect(await counting).toEqual({ carriers: 1, isExact: true });
  });

  it('are zero when the search finds nobody', async () => {
    expect(await (await count({ results: [], totalCount: 0 })).counting).toEqual({
      carriers: 0,
      isExact: true,
    });
    expect(await (await count({ results: null, totalCount: null })).counting).toEqual({
      carriers: 0,
      isExact: true,
    });
  });

  it('are not counted when the audience is not exported', async () => {
    const plan = planOf();
    delete plan.audience.label;
    const { counting, calls } = await count({ totalCount: 5 }, plan);
    expect(await counting).toBeNull();
    expect(calls).toEqual([]);
  });

  it('are not counted when a query cannot contain the label', async () => {
    const { counting, calls } = await count({ totalCount: 5 }, planOf({}, { label: 'The "Gold" members' }));
    expect(await counting).toBeNull();
    expect(calls).toEqual([]);
  });

  it.each([
    ['refuses', refusal(403007)],
    ['does not know the field', refusal(400006)],
    ['answers in another shape', { results: 'many' }],
  ])('are not counted when Gigya %s, and the run still completes', async (_what, reply) => {
    expect(await (await count(reply)).counting).toBeNull();
  });

  it('are not counted when the cursor expires', async () => {
    const { counting } = await count([
      { results: [user('a', 'vip')], totalCount: 2, nextCursorId: 'c1' },
      refusal(400006),
    ]);
    expect(await counting).toBeNull();
  });

  it('are counted on retry when Gigya does not answer', async () => {
    const { counting } = await count(refusal(503001));
    expect(await failureOf(counting)).toMatchObject({ type: 'Gigya', nonRetryable: false });
  });
});
