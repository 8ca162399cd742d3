import type { Explanation } from '../activities/explanation.ts';
import type { ExplainQuestion } from '../activities/questions.ts';
import { createKeyPair, openSealed, sealTo } from '../sealedTo.ts';
import type { Temporal } from './connect.ts';
import { documentOf, isOpen, type KnownJob } from './jobs.ts';
import { createQuestions } from './questions.ts';
import { stateOfEnded } from './status.ts';

/** Asks a worker about one user. The UID and the answer are encrypted: they pass through Temporal. */
export async function explainUser(temporal: Temporal, job: KnownJob, uid: string): Promise<Explanation> {
  const document = documentOf(job);
  const questions = createQuestions(temporal);
  const workerKey = await questions.questionKey(document.auth_ids);
  const { publicKey, privateKey } = await createKeyPair();
  const answer = await questions.explainUser({
    document,
    uid: await sealTo(workerKey, uid),
    run: newestRun(job),
    publicKey,
  });
  const explanation: Explanation = JSON.parse(await openSealed(privateKey, answer));
  return explanation;
}

/** The newest run that wrote. */
function newestRun({ runs }: KnownJob): ExplainQuestion['run'] {
  const run = runs.find(({ sleepsUntil, title }) => sleepsUntil === null && !title.dryRun);
  if (!run) return null;
  const { workflowId, runId, status } = run;
  return { workflowId, runId, state: isOpen(run) ? 'running' : stateOfEnded(status) };
}
