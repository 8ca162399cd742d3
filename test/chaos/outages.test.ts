import { describe, expect, inject, it } from 'vitest';
import { temporaryFolder } from '../support/temporaryFolder.ts';
import { oneOfTwoKilled, servicesKilled, temporalKilled, workerCutOff, workerFrozen } from './outages.ts';

const address = inject('temporalAddress');

describe.concurrent('a run ends with exact values and few repeated writes when', () => {
  it('the Temporal server is killed and restarts on its database', async ({ onTestFinished }) => {
    const { repeated, allowed } = await temporalKilled(temporaryFolder(onTestFinished));
    expect(repeated).toBeLessThanOrEqual(allowed);
  });

  it('the services are killed and restart', async ({ onTestFinished }) => {
    const { repeated, allowed } = await servicesKilled(address, temporaryFolder(onTestFinished));
    expect(repeated).toBeLessThanOrEqual(allowed);
  });

  it('one of two workers is killed', async () => {
    const { repeated, allowed } = await oneOfTwoKilled(address);
    expect(repeated).toBeLessThanOrEqual(allowed);
  });
}, 480_000);

describe.concurrent('a worker that was replaced by another', () => {
  it('writes none of its old values when it resumes after a freeze', () => workerFrozen(address));
  it('stops writing by itself when it reaches Gigya but not Temporal', () => workerCutOff(address));
}, 480_000);
