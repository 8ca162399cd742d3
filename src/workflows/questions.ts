import { proxyActivities, workflowInfo } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { ExplainQuestion } from '../activities/questions.ts';
import type { Job } from '../job.ts';
import { ATTEMPT_OVER, FINAL_FAILURES, questionsQueue, SERVICES, UNEXPECTED } from '../names.ts';
import type { RowsQuestion } from '../rows.ts';
import { OTHER_WORKER_QUESTION_TRIES } from '../tuning.ts';

/**
 * Questions from people. Only the worker has the secrets, so its answers go through Temporal. A person is waiting,
 * so the time limit is short and the activities have slots of their own.
 */
const ask = () =>
  proxyActivities<Activities>({
    taskQueue: questionsQueue(workflowInfo().taskQueue),
    startToCloseTimeout: '60 s',
    scheduleToCloseTimeout: '60 s',
    // Asks another worker when one lacks the authorization. Anything else is the answer.
    retry: {
      maximumAttempts: OTHER_WORKER_QUESTION_TRIES,
      nonRetryableErrorTypes: [...FINAL_FAILURES, ...SERVICES, UNEXPECTED, ATTEMPT_OVER],
    },
  });

export const listAuthorizations = () => ask().listAuthorizations();
export const proveAuthorization = (name: string) => ask().proveAuthorization(name);
export const listAudiences = (authorization: string) => ask().listAudiences(authorization);
export const listLyticsJobs = (authorization: string) => ask().listLyticsJobs(authorization);
export const readLyticsJob = (authorization: string, id: string) => ask().readLyticsJob(authorization, id);
export const checkJob = (document: unknown) => ask().checkJob(document);
export const readRows = (question: RowsQuestion) => ask().readRows(question);
export const questionKey = (authIds: Job['auth_ids']) => ask().questionKey(authIds);
export const explainUser = (question: ExplainQuestion) => ask().explainUser(question);
