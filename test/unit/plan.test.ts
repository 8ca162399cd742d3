import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { planLine, readPlanLine, writePlan } from '../../src/cli/rows/planFile.ts';
import { SortedLines } from '../../src/cli/rows/sortedLines.ts';
import { noCounts } from '../../src/counts.ts';
import { fc } from '../support/property.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

async function collect(lines: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const line of lines) all.push(line);
  return all;
}

const ourFolders = () => readdirSync(tmpdir()).filter((name) => name.startsWith('lytics-gigya-export-'));

describe('sorted lines', () => {
  it('are sorted by key, the last of each, whatever fits in memory; and leave nothing behind', async () => {
    const before = ourFolders();
    const keyed = fc.array(fc.tuple(fc.stringMatching(/^[a-cÄ😀]{1,3}$/u), fc.nat(9)), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(keyed, fc.constantFrom(1, 40, 1_000_000), async (pairs, most) => {
        const lines = new SortedLines((line) => line.split('=')[0] ?? '', most);
        for (const [key, value] of pairs) await lines.add(key, `${key}=${value}`);
        const last = new Map(pairs.map(([key, value]) => [key, `${key}=${value}`]));
        const expected = [...last.keys()].sort().map((key) => last.get(key));
        expect(await collect(lines.sorted())).toEqual(expected);
        await lines.remove();
      }),
      { numRuns: 60 },
    );
    expect(ourFolders()).toEqual(before);
  });
});

describe('a plan', () => {
  const rows = Array.from({ length: 30 }, (_, n) => ({
    uid: `u${n + 10}`,
    operation: n < 3 ? ('remove' as const) : ('add' as const),
    before: { lytics_segments: [] },
    after: { lytics_segments: ['vip'] },
  }));
  const header = {
    format_version: '1',
    job: 'Test',
    run_id: 'r',
    created: '2026-11-25T00:00:00.000Z',
    counts: noCounts(),
  } as const;
  const lines = async function* (): AsyncGenerator<string> {
    for (const row of rows) yield planLine(row);
  };

  it('is a header with the hash of the row lines, and a row a line', async () => {
    const path = join(temporaryFolder(), 'plan.jsonl');
    const digest = await writePlan(path, header, lines());
    const text = readFileSync(path, 'utf8');
    const [first = '', ...others] = text.trimEnd().split('\n');
    const body = text.slice(first.length + 1);
    expect(JSON.parse(first)).toEqual({ ...header, sha256: createHash('sha256').update(body).digest('hex') });
    expect(others.map(readPlanLine)).toEqual(rows);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(digest).toMatchObject({ rows: 30, operations: { add: 27, change: 0, remove: 3 } });
    expect(digest.first).toEqual(rows.slice(0, 20));
    expect((await writePlan(undefined, header, lines())).sha256).toBe(digest.sha256);
  });

  it('does not appear under its name when reading it fails', async () => {
    const path = join(temporaryFolder(), 'plan.jsonl');
    const broken = async function* (): AsyncGenerator<string> {
      yield planLine(Object(rows[0]));
      throw new Error('the worker went away');
    };
    await expect(writePlan(path, header, broken())).rejects.toThrow('went away');
    expect(existsSync(path)).toBe(false);
    expect(existsSync(`${path}.part`)).toBe(false);
  });
});
