import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { beginRun, type Run } from '../../src/workflows/run.ts';
import { Status } from '../../src/workflows/status.ts';
import { planOf } from '../support/activityRig.ts';
import { jobDocument } from '../support/jobs.ts';

const shown: string[] = [];
vi.mock('@temporalio/workflow', async (original) => ({
  ...(await original<typeof import('@temporalio/workflow')>()),
  setCurrentDetails(details: string) {
    if (details.includes('unshowable')) throw new Error('The page cannot be shown');
    shown.push(details);
  },
}));

const START = Date.parse('2027-03-28T01:00:00Z');

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
  vi.setSystemTime(START);
  shown.length = 0;
});
afterEach(() => {
  vi.useRealTimers();
});

const pass = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1_000);

/** A run at its members, with what changes. */
function runOf(change: (run: Run) => void = () => {}): { run: Run; status: Status } {
  const run = beginRun(START);
  run.plan = planOf({}, { slug: 'vip', size: 10_000 });
  change(run);
  return { run, status: new Status(run, jobDocument('VIPs to Gigya')) };
}

/** So many users are handled in this time. */
function handle({ run, status }: { run: Run; status: Status }, users: number, seconds: number): void {
  pass(seconds);
  run.counts.members += users;
  run.counts.updated += users;
  run.scan.counted += users;
  status.mark();
}

describe('the state of a run', () => {
  it('is running until it ends', () => {
    const { status } = runOf();
    expect(status.progress()).toMatchObject({ state: 'running', phase: 'members' });
    status.complete(3);
    expect(status.progress()).toMatchObject({ state: 'completed', phase: 'done', in_gigya: 3, reason: null });
  });

  it('is pausing while pages are in flight, and paused when none are', () => {
    const { run, status } = runOf();
    run.paused = { since: Date.now(), note: 'until Monday' };
    status.inFlight = 2;
    expect(status.progress().state).toBe('pausing');
    status.inFlight = 0;
    expect(status.progress()).toMatchObject({
      state: 'paused',
      paused: { since: '2027-03-28T01:00:00.000Z', note: 'until Monday' },
    });
    run.paused = null;
    expect(status.progress()).toMatchObject({ state: 'running', paused: null });
  });

  it.each(['failed', 'cancelled'] as const)(
    'is %s with its reason, whatever was reported before',
    (state) => {
      const { run, status } = runOf();
      run.paused = { since: Date.now(), note: '' };
      status.report({ activity: '1', reason: 'Gigya is down' });
      status.fail(state, 'the end');
      expect(status.progress()).toMatchObject({ state, phase: 'done', reason: 'the end', paused: null });
    },
  );

  it('has a name and an audience before preflight has read the document, whatever that is', () => {
    const early = (document: unknown) =>
      Reflect.construct(Status, [beginRun(START), document]) satisfies Status;
    expect(early(jobDocument('VIPs')).progress()).toMatchObject({
      phase: 'preflight',
      job: 'VIPs',
      audience: 'vip',
      total: null,
    });
    for (const document of [
      undefined,
      null,
      'vip',
      5,
      [],
      {},
      { name: 5, config: 'x' },
      { config: { segment_id: {} } },
    ]) {
      expect(early(document).progress()).toMatchObject({ job: 'a job without a name', audience: '' });
    }
  });
});

describe('the rate', () => {
  it('is measured over the last minute', () => {
    const at = runOf();
    expect(at.status.progress()).toMatchObject({ rate: 0, seconds_left: null });
    for (let n = 0; n < 20; n++) handle(at, 1_000, 10);
    expect(at.status.progress().rate).toBe(100);
    for (let n = 0; n < 7; n++) handle(at, 100, 10);
    // The page in which the minute begins counts as a whole.
    expect(at.status.progress().rate).toBe(10);
  });

  it('is measured over the last page when pages take longer than a minute', () => {
    const at = runOf();
    handle(at, 1_000, 10);
    handle(at, 600, 300);
    expect(at.status.progress().rate).toBe(2);
  });

  it('gives the remaining time', () => {
    const at = runOf();
    handle(at, 500, 10);
    handle(at, 500, 10);
    expect(at.status.progress()).toMatchObject({ rate: 50, seen: 1_000, total: 10_000, seconds_left: 180 });
  });

  it('gives no remaining time when the total is unknown or wrong', () => {
    const unknown = runOf(({ plan }) => {
      delete plan?.audience.size;
    });
    handle(unknown, 500, 10);
    expect(unknown.status.progress()).toMatchObject({ total: null, seconds_left: null });
    const wrong = runOf((run) => {
      run.total = 100;
    });
    handle(wrong, 500, 10);
    expect(wrong.status.progress().seconds_left).toBe(0);
  });

  it('falls while there is no progress, and is undefined after a minute', () => {
    const at = runOf();
    for (let n = 0; n < 3; n++) handle(at, 1_000, 10);
    pass(10);
    expect(at.status.progress().rate).toBe(100);
    pass(30);
    expect(at.status.progress()).toMatchObject({ rate: 50, seconds_left: 140 });
    pass(60);
    expect(at.status.progress()).toMatchObject({ rate: 0, seconds_left: null });
  });

  it('is undefined while the run is paused or at another step', () => {
    const at = runOf();
    handle(at, 500, 10);
    at.run.paused = { since: Date.now(), note: '' };
    expect(at.status.progress()).toMatchObject({ rate: 0, seconds_left: null });
    at.run.paused = null;
    at.status.show('leavers');
    expect(at.status.progress()).toMatchObject({ rate: 0, seconds_left: null });
  });

  it('does not count the time that a run was paused', () => {
    const at = runOf();
    handle(at, 500, 10);
    pass(3_600);
    at.status.restartRate();
    expect(at.status.progress().rate).toBe(0);
    handle(at, 500, 5);
    expect(at.status.progress().rate).toBe(100);
  });
});

describe('the rate in an outage', () => {
  const outage = { activity: '1', reason: 'Gigya has not answered since 01:00:30 UTC', is_blocked: true };

  it('is unknown from its report until a page finishes, and then does not include it', () => {
    const at = runOf();
    for (let n = 0; n < 3; n++) handle(at, 1_000, 10);
    // No event follows, so a query would see the time of this one for as long as the outage lasts.
    at.status.report(outage);
    expect(at.status.progress()).toMatchObject({ rate: 0, seconds_left: null, reason: outage.reason });
    pass(300);
    at.status.report({ ...outage, reason: null });
    handle(at, 1_000, 10);
    expect(at.status.progress().rate).toBe(100);
  });

  it('is that of the other pages while these finish', () => {
    const at = runOf();
    handle(at, 1_000, 10);
    at.status.report(outage);
    handle(at, 1_000, 10);
    expect(at.status.progress()).toMatchObject({ rate: 100, reason: outage.reason });
  });

  it('does not include the time without a worker, of which nobody reports', () => {
    const at = runOf();
    handle(at, 1_000, 10);
    handle(at, 1_000, 300);
    handle(at, 1_000, 10);
    expect(at.status.progress().rate).toBe(100);
  });
});

describe('the reason why a run is slow', () => {
  it('is what an activity reports, until it reports that it continues', () => {
    const { run, status } = runOf();
    status.report({ activity: '1', reason: 'Gigya is down' });
    expect(status.progress()).toMatchObject({
      reason: 'Gigya is down',
      last_trouble: { at: '2027-03-28T01:00:00.000Z', message: 'Gigya is down' },
    });
    pass(60);
    status.report({ activity: '2', reason: 'Lytics is slow' });
    status.report({ activity: '1', reason: null });
    expect(status.progress().reason).toBe('Lytics is slow');
    status.report({ activity: '2', reason: null });
    expect(status.progress()).toMatchObject({
      reason: null,
      last_trouble: { at: '2027-03-28T01:01:00.000Z', message: 'Lytics is slow' },
    });
    // It is carried on when the run continues as new.
    expect(run.lastTrouble?.message).toBe('Lytics is slow');
  });
});

describe('the reasons of several activities', () => {
  it('are shown newest first', () => {
    const { status } = runOf();
    status.report({ activity: '1', reason: 'Gigya limits the rate' });
    status.report({ activity: '2', reason: 'Lytics is slow' });
    expect(status.progress().reason).toBe('Lytics is slow');
    status.report({ activity: '1', reason: 'Gigya has not answered' });
    expect(status.progress().reason).toBe('Gigya has not answered');
    status.report({ activity: '1', reason: null });
    expect(status.progress().reason).toBe('Lytics is slow');
  });
});

describe('an approval', () => {
  it('is shown while the run waits for it, with both figures', () => {
    const { run, status } = runOf();
    Object.assign(run.leavers, { removals: 300, carriers: 1_000 });
    run.leavers.approval = { until: START + 3_600_000, answer: null };
    expect(status.progress().approval).toBeNull();
    status.show('approval');
    expect(status.progress().approval).toEqual({
      removals: 300,
      carriers: 1_000,
      until: '2027-03-28T02:00:00.000Z',
    });
    status.show('leavers');
    expect(status.progress().approval).toBeNull();
  });
});

describe('the page in the Web UI', () => {
  it('is updated with each change', () => {
    const { status } = runOf();
    status.show('leavers');
    expect(shown.at(-1)).toContain('correcting users who left the audience');
    status.report({ activity: '1', reason: 'Gigya is down' });
    expect(shown.at(-1)).toContain('Gigya is down');
    status.complete(null);
    expect(shown.at(-1)).toContain('**completed**');
  });

  it('that cannot be shown does not stop the run', () => {
    const { status } = runOf();
    expect(() => status.report({ activity: '1', reason: 'unshowable' })).not.toThrow();
  });
});

describe('a run makes progress', () => {
  it('only when a page finishes or a step starts', () => {
    const { run, status } = runOf();
    pass(10);
    status.report({ activity: '1', reason: 'Gigya is down' });
    status.refresh();
    expect(status.movedAt).toBe(START);
    handle({ run, status }, 100, 10);
    expect(status.movedAt).toBe(START + 20_000);
    pass(10);
    status.show('leavers');
    expect(status.movedAt).toBe(START + 30_000);
  });
});
