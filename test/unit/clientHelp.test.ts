import { describe, expect, it } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';

const program = createProgram();
/** Help as the program prints it, with the examples. */
function helpOf(name?: string): string {
  const command = program.commands.find((one) => one.name() === name) ?? program;
  let text = '';
  command.configureOutput({ writeOut: (part) => (text += part) });
  command.outputHelp();
  return text;
}

describe('the help', () => {
  it.each(program.commands.map((command) => command.name()))('of %s has an example that parses', (name) => {
    const [, line = ''] = /^Example:\n {2}(.*)$/m.exec(helpOf(name)) ?? [];
    expect(line).toMatch(new RegExp(`^npm run client -- ${name}( |$)`));
    const words = line.replace('npm run client -- ', '').match(/'[^']*'|\S+/g) ?? [];
    const parsed = createProgram();
    const command = parsed.commands.find((one) => one.name() === name);
    let isRun = false;
    command?.action(() => {
      isRun = true;
    });
    parsed.parse(
      words.map((word) => word.replaceAll("'", '')),
      { from: 'user' },
    );
    expect(isRun).toBe(true);
  });

  it('fits 80 columns', () => {
    const texts = [helpOf(), ...program.commands.map((command) => helpOf(command.name()))];
    const long = texts.flatMap((text) => text.split('\n')).filter(({ length }) => length > 80);
    expect(long).toEqual([]);
  });

  it('documents the exit codes, and a pipe without the banner of npm', () => {
    const help = helpOf();
    for (const code of ['0', '1', '2', '3', '4', '130'])
      expect(help).toMatch(new RegExp(`^ +${code} {2}`, 'm'));
    expect(help).toContain('npm run -s client -- --json list | jq');
  });
});
