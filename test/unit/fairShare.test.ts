import { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, it } from 'vitest';
import type { PageToWrite } from '../../src/activities/updateGigya.ts';
import { createFairShare } from '../../src/fairShare.ts';
import { planOf } from '../support/activityRig.ts';

/** Runs activities that last until their test releases them. */
function worker(slots: number) {
  const share = createFairShare(slots);
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const run = (input: unknown, work: () => Promise<void>) =>
    new MockActivityEnvironment({}, { interceptors: [share] }).run(async (_: unknown) => work(), input);
  return {
    run,
    release,
    hold: (input: unknown) => run(input, () => held),
    pass: (input: unknown) => run(input, async () => {}),
  };
}

function page(...auth_ids: string[]): Pick<PageToWrite, 'plan' | 'page'> {
  const plan = planOf();
  return { page: 'sealed', plan: { ...plan, job: { ...plan.job, auth_ids } } };
}

describe('the share of an authorization', () => {
  it('is half of the slots; a page beyond it is retried soon', async () => {
    const { hold, pass, release } = worker(4);
    const pages = [hold(page('lytics', 'gigya')), hold(page('gigya', 'lytics'))];
    await expect(pass(page('lytics', 'gigya'))).rejects.toMatchObject({
      type: 'Busy',
      nonRetryable: false,
      nextRetryDelay: '5 s',
    });
    release();
    await Promise.all(pages);
    await pass(page('lytics', 'gigya'));
  });

  it('leaves the other half to others', async () => {
    const { hold, pass, release } = worker(2);
    const held = hold(page('lytics', 'slow'));
    await pass(page('lytics', 'other'));
    release();
    await held;
  });

  it('is returned by a page that fails', async () => {
    const { run, pass } = worker(2);
    const fail = async () => {
      throw new Error('failed');
    };
    await expect(run(page('lytics', 'gigya'), fail)).rejects.toThrow('failed');
    await pass(page('lytics', 'gigya'));
  });

  it('does not apply to activities without a job', async () => {
    const { hold, pass, release } = worker(2);
    const held = hold('lytics');
    await pass('lytics');
    release();
    await held;
  });
});
