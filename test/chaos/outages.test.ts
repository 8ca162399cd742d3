import { describe, expect, inject, it } from 'vitest';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { oneOfTwoKilled, servicesKilled, temporalKilled, workerCutOff, workerFrozen } from './outages.ts';

const address = inject('temporalAddress');

describe.concurrent('a run ends exact, with little written twice, when', () => {
  it('the Temporal server is killed, and comes back on its database', async ({ onTestFinished }) => {
    const { repeated, allowed } = await temporalKilled(temporaryFolder(onTestFinished));
    expect(repeated).toBeLessThanOrEqual(allowed);
  });

  it('the services are killed, and come back', async ({ onTestFinished }) => {
    const { repeated, allowed } = await servicesKilled(address, temporaryFolder(onTestFinished));
    expect(repeated).toBeLessThanOrEqual(allowed);
  });

  it('one of two workers is killed', async () => {
    const { repeated, allowed } = await oneOfTwoKilled(address);
    expect(repeated).toBeLessThanOrEqual(allowed);
  });
}, 480_000);

describe.concurrent('a worker that another has taken the place of', () => {
  it('and that was frozen, writes none of its old values when it is thawed', () => workerFrozen(address));
  it('and that reaches Gigya but not Temporal, stops writing by itself', () => workerCutOff(address));
}, 480_000);
