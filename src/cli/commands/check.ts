import type { Command } from 'commander';
import { keysWithoutEffect, parseJob } from '../../job.ts';
import { example, FILE, outputOf } from '../command.ts';
import { withTemporal } from '../connect.ts';
import { EXIT } from '../errors.ts';
import { print, troubleLines } from '../print.ts';
import { createQuestions } from '../questions.ts';
import { readDocument } from '../readDocument.ts';
import { scheduleWarning } from '../scheduleSpec.ts';
import { wrapped } from '../table.ts';
import { assertWorker } from '../workers.ts';

export function addCheck(program: Command): void {
  program
    .command('check')
    .description('check everything that a job needs, without writing anything')
    .argument(...FILE)
    .addHelpText('after', example('check', 'examples/job.json'))
    .action(async (file: string, _options: object, command: Command) => {
      const output = outputOf(command);
      const document = await readDocument(file);
      const job = parseJob(document);
      const withoutEffect = keysWithoutEffect(document);
      await withTemporal(async (temporal) => {
        await assertWorker(temporal);
        const checks = await createQuestions(temporal).checkJob(job);
        const warning = scheduleWarning(job);
        print(output, { checks, without_effect: withoutEffect, warning: warning ?? null }, () =>
          [
            ...checks.flatMap(({ ok, what, found, warnings }) => [
              wrapped(`${ok ? '✔' : '✘'} ${what}: ${found}`, output.width, '  '),
              ...warnings.map((text) => wrapped(`  ! ${text}`, output.width, '    ')),
            ]),
            ...(withoutEffect.length > 0
              ? [wrapped(`- Ignored here: ${withoutEffect.join(', ')}`, output.width, '  ')]
              : []),
            ...(warning ? [troubleLines(warning, output)] : []),
          ].join('\n'),
        );
        if (!checks.every(({ ok }) => ok)) process.exitCode = EXIT.refused;
      });
    });
}
