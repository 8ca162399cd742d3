import { ApplicationFailure } from '@temporalio/common';
import { afterEach, describe, expect, it } from 'vitest';
import type { CarriersCount } from '../../src/activities/countCarriers.ts';
import type { Activities } from '../../src/activities/index.ts';
import type { Progress } from '../../src/workflows/messages.ts';
import { refusalOf } from '../support/failure.ts';
import { jobDocument } from '../support/jobs.ts';
import { type MockRig, startMockRig } from '../support/mockRig.ts';
import { fetchedPage } from '../support/pages.ts';
import { provided } from '../support/provided.ts';
import { until } from '../support/until.ts';

let rig: MockRig;
afterEach(() => rig.stop());

const start = async (activities: Partial<Activities>) => {
  rig = await startMockRig(provided(), {
    pages: 1,
    pageSize: 10,
    written: () => ({ unchanged: 10, carrying: 10 }),
    activities,
  });
};

describe('the audit at the end of a run', () => {
  it('cannot be paused, also when there was nothing to write', async () => {
    let answer: ((count: CarriersCount | null) => void) | undefined;
    await start({ countCarriers: () => new Promise((resolve) => (answer = resolve)) });
    const handle = await rig.start(jobDocument('nothing new'));
    await until(() => answer !== undefined);
    expect(await refusalOf(handle.executeUpdate('pause'))).toBe('The run has already written its last page');
    answer?.({ carriers: 10, isExact: true });
    expect(await handle.result()).toMatchObject({ in_gigya: 10, warnings: [] });
    expect(await handle.query<Progress>('progress')).toMatchObject({ state: 'completed', paused: null });
  });

  it('is a warning when it fails: the users are written', async () => {
    await start({
      async countCarriers() {
        throw ApplicationFailure.nonRetryable('accounts.search: Gigya answered 403007', 'Configuration');
      },
    });
    const summary = await (await rig.start(jobDocument('uncounted'))).result();
    expect(summary).toMatchObject({ in_gigya: null, counts: { members: 10, unchanged: 10 } });
    expect(summary.warnings).toEqual([
      'The users who carry the audience in Gigya could not be counted: accounts.search: Gigya answered 403007',
    ]);
  });
});

it('a preview of an audience that is never read to its end completes with a warning, as a run does', async () => {
  let scans = 0;
  await start({
    async fetchMembership() {
      scans++;
      return fetchedPage({ next: null, total: 20, lossy: true });
    },
  });
  const { warnings } = await (await rig.start(jobDocument('short', { dry_run: true }))).result();
  expect(scans).toBe(5);
  expect(warnings.at(-1)).toMatch(/returned 10 of 20 users; members may have been missed$/);
});
