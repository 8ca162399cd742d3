import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StatsReport } from '../../sandbox/client.ts';
import type { JobDocument } from '../../src/job.ts';
import { failureOf } from '../support/failure.ts';
import { jobDocument } from '../support/jobs.ts';
import { depart, labelsOf } from '../support/leavers.ts';
import { provided } from '../support/provided.ts';
import { type Rig, startRig } from '../support/rig.ts';

/** One page, whatever the speed of this machine. */
const MEMBERS = 90;

type Config = Partial<JobDocument['config']>;

let rig: Rig;
beforeEach(async () => {
  rig = await startRig({ ...provided(), sandbox: { users: MEMBERS } });
});
afterEach(() => rig.stop());

const members = async () => Object.keys((await rig.sandbox.admin.truth()).expected).sort();

async function changeFields(uids: readonly string[], change: Record<string, unknown>): Promise<void> {
  const rows = await Promise.all(uids.map((uid) => rig.sandbox.admin.rows(uid, 'gy_profile_id')));
  const changed = rows.flat().map(({ key, fields, audiences }) => ({
    key,
    fields: { ...fields, ...change },
    audiences: [...audiences],
  }));
  await rig.sandbox.admin.putRows(...changed);
}

async function heldBy(storage: 'account' | 'data_store', uid: string): Promise<Record<string, unknown>> {
  const { account, objects } = await rig.sandbox.admin.held(uid);
  return { ...(storage === 'account' ? account?.data : objects.find(({ type }) => type === 'lytics')?.data) };
}

/** Calls by method, whatever they were answered. */
function callsIn({ calls }: StatsReport): Record<string, number> {
  const sum = (outcomes: Record<string, number>) =>
    Object.values(outcomes).reduce((all, one) => all + one, 0);
  return Object.fromEntries(Object.entries(calls).map(([method, outcomes]) => [method, sum(outcomes)]));
}

async function callsOf(job: JobDocument): Promise<Record<string, number>> {
  await rig.sandbox.admin.clearStats();
  await rig.run(job);
  // The list of audiences is read once a minute, whichever run comes first.
  const { segments: _, ...calls } = callsIn(await rig.sandbox.admin.stats());
  return calls;
}

describe.each(['account', 'data_store'] as const)('mapped fields, in the %s', (target_storage) => {
  const mappings: Config['mappings'] = [
    { score_frequency: { field: 'lytics_frequency', round: 10 } },
    { score_intensity: { field: 'lytics_intensity', round: 1 } },
    { lytics_content: { field: 'lytics_affinities', top: 2 } },
    { country: { field: 'lytics_country', on_null: 'keep' } },
  ];
  const job = jobDocument('mapped', { target_storage, mappings });
  const scores = {
    score_frequency: 42,
    score_intensity: '83',
    lytics_content: { Shoes: 0.7, Hats: 0.9, Bags: 0.1 },
  };

  it('need no more calls than the audiences alone, and drift below the step rewrites no user', async () => {
    const uids = await members();
    await changeFields(uids, scores);
    const plain = jobDocument('plain', { target_storage, gigya_field: 'plain', data_store_type: 'plain' });
    const calls = await callsOf(plain);
    await rig.sandbox.admin.clearJournal();
    expect(await callsOf(job)).toEqual(calls);
    expect(await rig.sandbox.admin.journal()).toHaveLength(MEMBERS);
    expect(await heldBy(target_storage, uids[0] ?? '')).toMatchObject({
      lytics_segments: expect.arrayContaining(['vip']),
      lytics_frequency: 40,
      lytics_intensity: 83,
      lytics_affinities: ['Hats', 'Shoes'],
      lytics_country: expect.any(String),
    });

    await rig.sandbox.admin.clearJournal();
    // Text in place of a number, and the reverse, are no change either.
    await changeFields(uids, {
      score_frequency: '38',
      score_intensity: 83.2,
      lytics_content: { Hats: 0.6, Shoes: '0.8', Bags: 0.2 },
    });
    expect((await rig.run(job)).counts).toMatchObject({ updated: 0, unchanged: MEMBERS });
    expect(await rig.sandbox.admin.journal()).toEqual([]);

    await changeFields(uids.slice(0, 3), { score_frequency: 52 });
    expect((await rig.run(job)).counts).toMatchObject({ updated: 3, unchanged: MEMBERS - 3 });
  });

  it('are cleared or kept for users whom Lytics no longer knows, and are updated for leavers', async () => {
    await changeFields(await members(), scores);
    await rig.run(job);
    const { elsewhere, deleted } = await depart(rig.sandbox, { elsewhere: 2, deleted: 2 });
    await changeFields(elsewhere, { score_frequency: 70, country: 'AT' });
    expect((await rig.run(job)).counts).toMatchObject({ left: 4, updated: 4 });
    for (const uid of deleted) {
      const held = await heldBy(target_storage, uid);
      expect(await labelsOf(rig.sandbox, target_storage, uid)).toEqual([]);
      expect(held['lytics_frequency'] ?? null).toBeNull();
      expect(held['lytics_affinities'] ?? []).toEqual([]);
      expect(held['lytics_country']).toEqual(expect.any(String));
    }
    for (const uid of elsewhere) {
      expect(await heldBy(target_storage, uid)).toMatchObject({ lytics_frequency: 70, lytics_country: 'AT' });
    }
  });
});

it('warns of a Lytics field that no user has, and of values that do not fit', async () => {
  await changeFields((await members()).slice(0, 2), { score_frequency: 'high' });
  const { warnings, counts } = await rig.run(
    jobDocument('misspelt', {
      mappings: [
        { score_frequncy: 'lytics_a' },
        { score_frequency: { field: 'lytics_b', round: 1, top: 2 } },
      ],
    }),
  );
  expect(counts).toMatchObject({ updated: MEMBERS });
  expect(warnings.join('\n')).toMatch(
    /None of the first \d+ users has a value in score_frequncy: data.lytics_a is cleared for them; did you mean "score_frequency"\?/,
  );
  expect(warnings.join('\n')).toContain('Values of "score_frequency" do not fit');
});

describe('excluded audiences', () => {
  /** An audience that some members are in, and those members. */
  async function somebodyElse() {
    const { expected } = await rig.sandbox.admin.truth();
    const others = (await rig.sandbox.admin.audiences()).filter(
      ({ slug }) => slug !== 'vip' && slug !== 'all',
    );
    const withMembers = others.map((audience) => ({
      ...audience,
      uids: Object.keys(expected).filter((uid) => expected[uid]?.includes(audience.slug)),
    }));
    const found = withMembers.find(({ uids }) => uids.length > 0 && uids.length < MEMBERS / 2);
    if (!found) throw new Error('No other audience has members of vip');
    return found;
  }

  it.each(['id', 'slug', 'name'] as const)(
    'are named by %s: their members lose the audience and stay without it',
    async (by) => {
      const excluded = await somebodyElse();
      const before = jobDocument('excluding', { mappings: [{ score_frequency: 'lytics_frequency' }] });
      await rig.run(before);
      const named = by === 'name' && !/^[\w-]+$/.test(excluded.name) ? excluded.slug : excluded[by];
      const job = { ...before, config: { ...before.config, exclude_segment_ids: [named] } };

      const first = await rig.run(job);
      const users = excluded.uids.length;
      expect(first.counts).toMatchObject({
        members: MEMBERS,
        excluded: users,
        unchanged: MEMBERS - users,
        left: users,
        updated: users,
      });
      expect(first.in_gigya).toBe(MEMBERS - users);
      expect(first.warnings.filter((warning) => /corrected|carry/.test(warning))).toEqual([]);
      for (const uid of excluded.uids) {
        const labels = await labelsOf(rig.sandbox, 'account', uid);
        expect(labels).not.toContain('vip');
        expect(labels).toContain(excluded.slug);
        expect((await heldBy('account', uid))['lytics_frequency'] ?? null).toBeNull();
      }
      await rig.sandbox.admin.clearJournal();
      expect((await rig.run(job)).counts).toMatchObject({ excluded: users, left: 0, updated: 0 });
      expect(await rig.sandbox.admin.journal()).toEqual([]);
    },
  );

  it('that are not open to the API are accepted with "all" and refused with "public"', async () => {
    const excluded = await somebodyElse();
    await rig.sandbox.admin.patchAudience(excluded.slug, { isPublic: false });
    const job = jobDocument('closed', { exclude_segment_ids: [excluded.slug] });
    const { type, message } = await failureOf(await rig.start(job));
    expect(type).toBe('Configuration');
    expect(message).toContain(`"${excluded.slug}" in config.exclude_segment_ids: not open to Lytics' API`);
    const all = await rig.run({ ...job, config: { ...job.config, audiences: 'all' } });
    expect(all.counts.excluded).toBe(excluded.uids.length);
    expect(all.in_gigya).toBe(MEMBERS - excluded.uids.length);
    expect(all.warnings.join()).not.toContain('exclude_segment_ids');
  });

  it('that do not exist in Lytics are refused with the nearest name', async () => {
    const { slug } = await somebodyElse();
    const job = jobDocument('unknown', { exclude_segment_ids: [`${slug}x`] });
    const { type, message } = await failureOf(await rig.start(job));
    expect({ type, message }).toEqual({
      type: 'Configuration',
      message: `config.exclude_segment_ids: Lytics has no audience "${slug}x"; did you mean "${slug}"?`,
    });
    const itself = jobDocument('itself', { exclude_segment_ids: ['vip'] });
    expect((await failureOf(await rig.start(itself))).message).toContain('is exported and excluded');
  });
});

it('starts no run of a job that has expired', async () => {
  const expired = { ...jobDocument('expired'), expires_at: '2020-01-31T00:00:00Z' };
  expect(await failureOf(await rig.start(expired))).toMatchObject({
    type: 'Configuration',
    message: 'The job expired at 2020-01-31T00:00:00Z; set expires_at to a later time',
  });
});

it('mutes every webhook with mute_webhooks', async () => {
  await rig.run(jobDocument('muted', { mute_webhooks: true }));
  expect((await rig.sandbox.admin.stats()).webhooks.muted).toBe(MEMBERS);
  await rig.sandbox.admin.clearStats();
  await rig.run(jobDocument('loud', { gigya_field: 'other' }));
  expect((await rig.sandbox.admin.stats()).webhooks.muted).toBe(0);
});
