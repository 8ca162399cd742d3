import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { LyticsJobInfo } from '../../activities/questions.ts';
import { hasExpired } from '../../job.ts';
import { workflowIdOf } from '../../names.ts';
import { chooseImportAuthorizations, isAsked } from '../chooseImportAuthorizations.ts';
import { example, outputOf } from '../command.ts';
import { type Temporal, withTemporal } from '../connect.ts';
import { Refused, UsageError } from '../errors.ts';
import { type ImportedJob, importJob } from '../importJob.ts';
import { describeImport, describeLyticsJobs, type ImportReport } from '../importReport.ts';
import { jobOf } from '../jobs.ts';
import { type Output, print, tell } from '../print.ts';
import { createQuestions, type Questions } from '../questions.ts';
import { createJob } from '../startJob.ts';
import { assertWorker } from '../workers.ts';

interface Options {
  lytics?: string;
  gigya?: string;
  name?: string;
  out?: string;
}

export function addImport(program: Command): void {
  program
    .command('import')
    .description("import a Gigya export job from Lytics, paused; without an id, list Lytics' jobs")
    .argument('[id]', "the job's id in Lytics")
    .option('--lytics <name>', 'the Lytics authorization to read it with')
    .option('--gigya <name>', "the Gigya authorization in place of Lytics' own")
    .option('--name <name>', "the job's name here, if not the one in Lytics")
    .option('--out <file>', 'save the job document here')
    .addHelpText('after', example('import', '4cd9d2a6a1d3d0b9b4cb2a0e7a5a1f50', '--gigya', 'gigya'))
    .action((id: string | undefined, options: Options, command: Command) =>
      withTemporal(async (temporal) => {
        const output = outputOf(command);
        await assertWorker(temporal);
        const questions = createQuestions(temporal);
        const authorizations = await chooseImportAuthorizations(questions, options, output);
        const wanted = id ?? (await pickJob(questions, authorizations.lytics, output));
        if (wanted === undefined) return;
        const original = await questions.readLyticsJob(authorizations.lytics, wanted);
        const authIds = await authorizations.authIdsFor(original['auth_ids']);
        const imported = importJob(original, { authIds, name: options.name });
        const report = await settle(temporal, imported, options.out);
        const value = { lytics_id: wanted, ...report };
        const text = describeImport(value, output);
        // The document alone is the result where nothing else has it: `import ID > job.json`.
        const isPrinted = report.outcome !== 'created' && report.saved_to === null;
        if (isPrinted) tell(output, text);
        print(output, value, () => (isPrinted ? jsonText(report.document) : text));
      }),
    );
}

/** Saves the document, and creates the schedule where there is to be one. */
async function settle(
  temporal: Temporal,
  imported: ImportedJob,
  out: string | undefined,
): Promise<ImportReport> {
  const { job, document, changes, withoutEffect } = imported;
  const isExpired = hasExpired(job);
  const isScheduled = job.config.continuous_update && !isExpired;
  // An import never changes or pauses a job that is there.
  const known = isScheduled ? await jobOf(temporal, workflowIdOf(job.name)) : undefined;
  if (known?.schedule) {
    throw new Refused(
      `There is already a job "${known.name}"; delete it first, or import under another --name`,
    );
  }
  if (out !== undefined) await save(out, document);
  const creation = isScheduled ? await createJob(temporal, job) : undefined;
  return {
    job: job.name,
    workflow_id: workflowIdOf(job.name),
    outcome: creation ? 'created' : isExpired ? 'expired' : 'document_only',
    schedule: creation?.times ?? null,
    saved_to: out ?? null,
    changes,
    without_effect: withoutEffect,
    document,
  };
}

/** Never over a file: it may be a document that someone changed, or the authorizations. */
async function save(path: string, document: ImportedJob['document']): Promise<void> {
  await writeFile(path, `${jsonText(document)}\n`, { flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') throw new UsageError(`${path} already exists; choose another file`);
    throw new UsageError(`Cannot write ${path} (${error.code})`);
  });
}

const jsonText = (value: unknown) => JSON.stringify(value, null, 2);

/** At a terminal the person picks one; elsewhere the list is the result. */
async function pickJob(questions: Questions, lytics: string, output: Output): Promise<string | undefined> {
  const jobs = await questions.listLyticsJobs(lytics);
  if (isAsked(output) && jobs.length > 0) return searchJob(jobs);
  print(output, jobs, () => describeLyticsJobs(jobs, lytics, output));
  return undefined;
}

async function searchJob(jobs: readonly LyticsJobInfo[]): Promise<string> {
  // The prompts take longer to load than most commands take.
  const { search } = await import('@inquirer/prompts');
  return search({
    message: 'Job in Lytics (type to search)',
    source: (term = '') => {
      const wanted = term.toLowerCase();
      return jobs
        .filter(({ id, name, segment_id }) =>
          [id, name, segment_id].some((text) => text.toLowerCase().includes(wanted)),
        )
        .map(({ id, name, segment_id, status }) => ({
          name: `${name || id} – audience ${segment_id || 'unknown'}, ${status || 'unknown state'}`,
          value: id,
          description: id,
        }));
    },
  });
}
