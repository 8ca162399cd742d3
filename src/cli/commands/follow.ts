import type { Command } from 'commander';
import { newestBegun } from '../chooseRun.ts';
import { example, NAME, outputOf } from '../command.ts';
import { withTemporal } from '../connect.ts';
import { follow } from '../follow.ts';
import { followedOf } from '../followed.ts';
import { findJob } from '../jobs.ts';

export function addFollow(program: Command): void {
  program
    .command('follow')
    .description("follow a job's newest run to its end; of one that has ended, report the end")
    .argument(...NAME)
    .addHelpText('after', example('follow', 'vips-to-gigya'))
    .action((name: string, _options: object, command: Command) =>
      withTemporal(async (temporal) => {
        const job = await findJob(temporal, name);
        process.exitCode = await follow(temporal, followedOf(newestBegun(job), job), outputOf(command));
      }),
    );
}
