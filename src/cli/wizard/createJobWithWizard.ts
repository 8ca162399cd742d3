import { confirm, input } from '@inquirer/prompts';
import { type Job, type JobDocument, jobSchema, parseJob } from '../../job.ts';
import { commandLine } from '../commandLine.ts';
import type { Temporal } from '../connect.ts';
import { Refused, UsageError } from '../errors.ts';
import { type Output, tell } from '../print.ts';
import { createQuestions, type Questions } from '../questions.ts';
import { authorizationsPath } from '../sameFile.ts';
import { chooseAudience } from './chooseAudience.ts';
import { chooseAuthorization } from './chooseAuthorization.ts';
import { askForOptions } from './options.ts';
import { saveDocument } from './saveDocument.ts';
import { validBy } from './validBy.ts';

/** Asks for a job in the terminal, in the order of Lytics' form, saves its document, and starts it. */
export async function createJobWithWizard(
  temporal: Temporal,
  output: Output,
  start: (job: Job) => Promise<void>,
): Promise<void> {
  if (!process.stdin.isTTY) {
    throw new UsageError(
      '"create" needs a job document where there is no terminal to ask in: create job.json',
    );
  }
  const authorizationsFile = authorizationsPath();
  const document = await askForDocument(createQuestions(temporal), authorizationsFile, output);
  tell(output, `\n${JSON.stringify(document, null, 2)}\n`);
  // Saved before anything else can fail, so that no answer is lost.
  const path = await saveDocument(document, authorizationsFile);
  const later = `The document is saved; to start it later: ${commandLine('create', path)}`;
  if (!(await confirm({ message: 'Start it?', default: true }))) throw new Refused(`Not started. ${later}`);
  try {
    await start(parseJob(document));
  } catch (error) {
    tell(output, later);
    throw error;
  }
}

async function askForDocument(
  questions: Questions,
  authorizationsFile: string,
  output: Output,
): Promise<JobDocument> {
  const lytics = await chooseAuthorization(questions, 'lytics', authorizationsFile);
  const gigya = await chooseAuthorization(questions, 'gigya', authorizationsFile);
  const name = await input({ message: 'Label', validate: validBy(jobSchema.shape.name) });
  const description = await input({
    message: 'Description (optional)',
    validate: validBy(jobSchema.shape.description),
  });
  const segment_id = await chooseAudience(questions, lytics);
  const { config, quiet } = await askForOptions({ questions, lytics, output });
  return {
    name,
    ...(description && { description }),
    auth_ids: [lytics, gigya],
    config: { segment_id, ...config },
    ...quiet,
  };
}
