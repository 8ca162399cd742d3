import { afterEach, expect, it, vi } from 'vitest';
import { createProgram } from '../../src/cli/program.ts';
import { settingsTable } from '../../src/jobReference.ts';

afterEach(() => vi.restoreAllMocks());

async function printed(...args: string[]): Promise<string> {
  let text = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((part) => {
    text += String(part);
    return true;
  });
  await createProgram().parseAsync(args, { from: 'user' });
  vi.restoreAllMocks();
  return text;
}

it('"help job" prints each setting with type, default and meaning, at 80 columns', async () => {
  const text = await printed('help', 'job');
  expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
  const settings = text.split('\n').filter((line) => /^\S/.test(line));
  expect(settings).toEqual(settingsTable().map(({ setting }) => setting));
  const flat = text.replace(/\s+/g, ' ');
  for (const { meaning } of settingsTable()) expect(flat).toContain(meaning);
  expect(flat).toContain('config.time_of_day string; default "00:00" When scheduled runs start');
  expect(flat).toContain('name string; required Name of the job.');
});

it('"help job" prints the table as JSON with --json', async () => {
  expect(JSON.parse(await printed('--json', 'help', 'job'))).toEqual(settingsTable());
});

it('"help" prints the help of a command, and of the program', async () => {
  expect(await printed('help', 'cancel')).toMatch(/^Usage: .* cancel /);
  expect(await printed('help')).toContain('Exit codes:');
  await expect(createProgram().parseAsync(['help', 'nothing'], { from: 'user' })).rejects.toThrow(
    'There is no command "nothing"',
  );
});
