import type { Command } from 'commander';
import type { Explanation } from '../../activities/explanation.ts';
import { example, NAME, outputOf } from '../command.ts';
import { withTemporal } from '../connect.ts';
import { explainUser } from '../explainUser.ts';
import { findJob } from '../jobs.ts';
import { type Output, print } from '../print.ts';
import { wrapped } from '../table.ts';
import { assertWorker } from '../workers.ts';

export function addExplain(program: Command): void {
  program
    .command('explain')
    .description('explain why a user holds what they hold in Gigya, and what to do')
    .argument(...NAME)
    .requiredOption('--uid <uid>', "the user's Gigya UID")
    .addHelpText('after', example('explain', 'vips-to-gigya', '--uid', '_guid_abc'))
    .action((name: string, { uid }: { uid: string }, command: Command) =>
      withTemporal(async (temporal) => {
        const output = outputOf(command);
        const job = await findJob(temporal, name);
        await assertWorker(temporal);
        const explanation = await explainUser(temporal, job, uid);
        print(output, explanation, () => describe(explanation, output));
      }),
    );
}

function describe({ steps, diagnosis, fix }: Explanation, { width }: Output): string {
  const lines = steps.map(({ result, what, found }) => `${result}  ${what}: ${found}`);
  const advice = fix === null ? [] : [`Fix: ${fix}.`];
  return [...lines, diagnosis, ...advice].map((line) => wrapped(line, width, '      ')).join('\n');
}
