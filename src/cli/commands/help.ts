import type { Command } from 'commander';
import { type SettingRow, settingsTable } from '../../jobReference.ts';
import { example, outputOf } from '../command.ts';
import { UsageError } from '../errors.ts';
import { print } from '../print.ts';
import { wrapped } from '../table.ts';

/** Longer lines are hard to read, however wide the terminal is. */
const WIDEST = 80;

/** In place of commander's own, which knows commands only. */
export function addHelp(program: Command): void {
  program
    .command('help')
    .description('print help for a command; `help job` for the settings of the job document')
    .argument('[topic]', 'a command, or job')
    .addHelpText('after', example('help', 'job'))
    .action((topic: string | undefined, _options: object, command: Command) => {
      if (topic === 'job') {
        const output = outputOf(command);
        const table = settingsTable();
        return print(output, table, () => settingsText(table, Math.min(output.width, WIDEST)));
      }
      const found = topic === undefined ? program : program.commands.find((one) => one.name() === topic);
      if (!found) throw new UsageError(`There is no command "${topic}"; --help lists the commands`);
      found.outputHelp();
    });
}

function settingsText(rows: readonly SettingRow[], width: number): string {
  const entries = rows.map(({ setting, type, default: fallback, meaning }) => {
    return [
      setting,
      ...[`${type}; ${presence(fallback)}`, meaning].map((text) => wrapped(`  ${text}`, width, '  ')),
    ].join('\n');
  });
  return entries.join('\n\n');
}

function presence(fallback: string): string {
  if (fallback === 'required') return fallback;
  return fallback === 'none' ? 'optional' : `default ${fallback}`;
}
