import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';

/**
 * What people ask before there is a job. Only the worker has the secrets, so its answers come by way
 * of Temporal. A person waits: what does not answer soon is not worth waiting for.
 */
const ask = proxyActivities<Activities>({
  startToCloseTimeout: '60 s',
  scheduleToCloseTimeout: '60 s',
  retry: { maximumAttempts: 1 },
});

export const listAuthorizations = () => ask.listAuthorizations();
export const proveAuthorization = (name: string) => ask.proveAuthorization(name);
export const listAudiences = (authorization: string) => ask.listAudiences(authorization);
export const checkJob = (document: unknown) => ask.checkJob(document);
