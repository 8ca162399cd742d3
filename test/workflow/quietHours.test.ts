import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { QuietAhead } from '../../src/activities/findQuietWindows.ts';
import type { Progress } from '../../src/workflows/messages.ts';
import { jobDocument } from '../support/jobs.ts';
import { type MockRig, startMockRig } from '../support/mockRig.ts';
import { provided } from '../support/provided.ts';
import { type ExportHandle, untilStill } from '../support/temporal.ts';
import { until } from '../support/until.ts';

const quietJob = (name: string) => ({
  ...jobDocument(name),
  quiet_time_of_day: '21:00',
  quiet_timezone: 'Europe/Vienna',
  quiet_period: 8,
});

const progressOf = (handle: ExportHandle) => handle.query<Progress>('progress');
const untilAsleep = (handle: ExportHandle) =>
  until(async () => {
    const progress = await progressOf(handle);
    return progress.state === 'sleeping' && progress;
  });

describe('quiet hours', () => {
  let rig: MockRig;
  let asked = 0;
  let ahead: () => QuietAhead;
  /** Asked for again at each page: the test decides when it is quiet. */
  const loud = (): QuietAhead => ({ windows: [], knownUntil: 0 });
  const quietFor = (ms: number) => {
    const windows = [{ from: Date.now() - 1, until: Date.now() + ms }];
    return (): QuietAhead => ({ windows, knownUntil: 0 });
  };
  beforeAll(async () => {
    const quiet = () => {
      asked++;
      return ahead();
    };
    rig = await startMockRig(provided(), { pages: 6, pageSize: 10, isHeld: true, quiet });
  });
  beforeEach(() => {
    ahead = loud;
    asked = 0;
  });
  afterAll(() => rig.stop());

  it('hold pages back: pages in flight finish, and the run continues when they end', async () => {
    const handle = await rig.start(quietJob('at night'));
    // Two are written and one more is fetched, before it is quiet.
    const isFull = (types: readonly string[]) =>
      types.length === 2 && types.every((type) => type === 'updateGigya');
    await untilStill(handle, isFull);
    ahead = quietFor(3_600_000);
    rig.letAllGo();
    const asleep = await untilAsleep(handle);
    expect(rig.fetched()).toBe(3);
    expect(asleep).toMatchObject({
      counts: { members: 30, updated: 30 },
      paused: null,
      seconds_left: null,
      reason: expect.stringMatching(/^Quiet hours until 20\d\d-/),
    });
    expect(Date.parse(asleep.sleeping?.until ?? '')).toBeGreaterThan(Date.now() + 3_000_000);

    // A pause is accepted, and wakes the run to look again.
    await handle.executeUpdate('pause', { args: ['for good'] });
    expect(await progressOf(handle)).toMatchObject({ state: 'paused', paused: { note: 'for good' } });
    ahead = quietFor(1_000);
    await handle.executeUpdate('resume');
    expect((await handle.result()).counts).toMatchObject({ members: 60, updated: 60 });
    expect(await progressOf(handle)).toMatchObject({ state: 'completed', sleeping: null, reason: null });
  });

  it('are computed once for several days, and not at all for other jobs', async () => {
    rig.letAllGo();
    ahead = () => ({ windows: [], knownUntil: Date.now() + 3_600_000 });
    await (await rig.start(quietJob('by day'))).result();
    expect(asked).toBe(1);
    await (await rig.start(jobDocument('always'))).result();
    expect(asked).toBe(1);
  });

  it('hold a run that starts within them, which can be cancelled', async () => {
    ahead = quietFor(3_600_000);
    const before = rig.fetched();
    const handle = await rig.start(quietJob('cancelled'));
    await untilAsleep(handle);
    expect(rig.fetched()).toBe(before);
    await handle.cancel();
    await expect(handle.result()).rejects.toThrow();
    expect(await progressOf(handle)).toMatchObject({ state: 'cancelled', sleeping: null });
  });
});
