import { randomUUID } from 'node:crypto';
import { WorkflowFailedError } from '@temporalio/client';
import type { CheckResult } from '../activities/checks.ts';
import type {
  AudienceInfo,
  AuthorizationInfo,
  ExplainQuestion,
  LyticsJobInfo,
} from '../activities/questions.ts';
import type { Job } from '../job.ts';
import { QUESTION_PREFIX } from '../names.ts';
import type { RowsAnswer, RowsQuestion } from '../rows.ts';
import type { PublicKey } from '../sealedTo.ts';
import type { Temporal } from './connect.ts';
import { Refused, reasonOf, Unreachable } from './errors.ts';

/** Longer than the worker's own timeout: without an answer by then, no worker runs. */
const PATIENCE = '75 s';

/** Questions that only a worker can answer, since it has the secrets; each is a short workflow. */
export function createQuestions({ client, taskQueue }: Temporal) {
  async function put<Answer>(question: string, args: unknown[]): Promise<Answer> {
    try {
      return await client.workflow.execute<(...args: unknown[]) => Promise<Answer>>(question, {
        workflowId: `${QUESTION_PREFIX}${question}/${randomUUID()}`,
        taskQueue,
        args,
        workflowExecutionTimeout: PATIENCE,
      });
    } catch (error) {
      if (!(error instanceof WorkflowFailedError)) throw error;
      const { type, message } = reasonOf(error);
      if (type === 'TimeoutFailure') throw new Unreachable('The worker did not answer in time; see its log');
      throw new Refused(message);
    }
  }
  return {
    listAuthorizations: () => put<AuthorizationInfo[]>('listAuthorizations', []),
    proveAuthorization: (name: string) => put<void>('proveAuthorization', [name]),
    listAudiences: (authorization: string) => put<AudienceInfo[]>('listAudiences', [authorization]),
    listLyticsJobs: (authorization: string) => put<LyticsJobInfo[]>('listLyticsJobs', [authorization]),
    readLyticsJob: (authorization: string, id: string) =>
      put<Record<string, unknown>>('readLyticsJob', [authorization, id]),
    readRows: (question: RowsQuestion) => put<RowsAnswer>('readRows', [question]),
    checkJob: (document: unknown) => put<CheckResult[]>('checkJob', [document]),
    questionKey: (authIds: Job['auth_ids']) => put<PublicKey>('questionKey', [authIds]),
    explainUser: (question: ExplainQuestion) => put<string>('explainUser', [question]),
  };
}

export type Questions = ReturnType<typeof createQuestions>;
