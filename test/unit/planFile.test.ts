import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { planLine, writePlan } from '../../src/cli/rows/planFile.ts';
import { readPlanFile } from '../../src/cli/rows/readPlanFile.ts';
import { noCounts } from '../../src/counts.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

async function* linesOf(users: number): AsyncGenerator<string> {
  for (let n = 0; n < users; n++) {
    yield planLine({ uid: `ü${n}`, operation: 'add', before: { f: [] }, after: { f: ['vip'] } });
  }
}

async function planOf(users: number): Promise<string> {
  const file = join(temporaryFolder(), 'plan.jsonl');
  const header = {
    format_version: '1',
    job: 'Plans',
    run_id: 'r1',
    created: '',
    counts: noCounts(),
  } as const;
  await writePlan(file, header, linesOf(users));
  return file;
}

// The last one is longer than what is read at once.
it.each([0, 1, 5_000])('a plan of %i rows that nobody changed is accepted', async (users) => {
  expect(await readPlanFile(await planOf(users))).toMatchObject({ job: 'Plans', run_id: 'r1' });
});

it.each<[string, (text: string) => string, string]>([
  ['a row was changed', (text) => text.replace('"vip"', '"VIP"'), 'was changed after'],
  ['a row was removed', (text) => text.replace(/\n.*\n/, '\n'), 'was changed after'],
  ['the end is missing', (text) => text.slice(0, -1), 'was changed after'],
  ['the header is missing', (text) => text.replace(/.*\n/, ''), 'is not a plan'],
  ['the version is another', (text) => text.replace('"1"', '"2"'), 'is not a plan'],
  ['it is no JSON', () => 'plan', 'is not a plan'],
  ['it is empty', () => '', 'is not a plan'],
])('a file is refused when %s', async (_, change, message) => {
  const file = await planOf(3);
  await writeFile(file, change(await readFile(file, 'utf8')));
  await expect(readPlanFile(file)).rejects.toThrow(message);
});

it('a file that cannot be read is named', async () => {
  await expect(readPlanFile('/nowhere/plan.jsonl')).rejects.toThrow(
    'Cannot read the plan /nowhere/plan.jsonl (ENOENT)',
  );
});
