import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { withSettingsTable } from '../../scripts/settingsTable.ts';
import { authorizationsSchema } from '../../src/authorizations.ts';
import { COMMANDS } from '../../src/cli/commands/index.ts';
import { EXIT } from '../../src/cli/errors.ts';
import { noCounts } from '../../src/counts.ts';
import { parseJob } from '../../src/job.ts';
import { FINAL_FAILURES } from '../../src/names.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const pagesIn = (folder: string) =>
  readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name));
const PAGES = ['.', 'docs', 'docs/decisions', 'sandbox'].flatMap(pagesIn);

const matches = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, found = '']) => found);
const unique = (texts: readonly string[]) => [...new Set(texts)];

describe.each(PAGES)('%s', (page) => {
  const text = read(page);

  it('links to pages and headings that exist', () => {
    const links = matches(text, /\]\(([^)\s]+)\)/g).filter((link) => !/^https?:/.test(link));
    const broken = links.filter((link) => {
      const [path = '', heading] = link.split('#');
      const target = path === '' ? page : join(dirname(page), path);
      if (!existsSync(join(ROOT, target))) return true;
      return heading !== undefined && !anchorsOf(read(target)).includes(heading);
    });
    expect(broken).toEqual([]);
  });

  it('names files, npm scripts and commands that exist', () => {
    // The changelog also names what was.
    if (page === 'CHANGELOG.md') return;
    const files = matches(text, /`((?:src|sandbox|test|scripts|bench|docs|examples)\/[\w./-]+)`/g);
    expect(unique(files).filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
    const { scripts }: { scripts: Record<string, string> } = JSON.parse(read('package.json'));
    const used = matches(text, /npm run (?:-s )?([a-z-]+)/g);
    expect(unique(used).filter((script) => !(script in scripts))).toEqual([]);
    const program = new Command();
    for (const addCommand of COMMANDS) addCommand(program);
    const commands = program.commands.map((command) => command.name());
    const typed = matches(text, /(?:`client|npm run client --)(?: --json)? ([a-z]+)/g);
    expect(unique(typed).filter((command) => !commands.includes(command))).toEqual([]);
  });
});

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(text: string): string[] {
  return matches(text, /^#+ (.*)$/gm).map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

describe('README.md', () => {
  it('has a job and an authorizations file that are valid', () => {
    const [job = '', authorizations = ''] = matches(read('README.md'), /```json\n(.*?)```/gs);
    expect(parseJob(JSON.parse(job)).name).toBe('VIPs every night');
    expect(authorizationsSchema.safeParse(JSON.parse(authorizations)).error).toBeUndefined();
  });
});

describe('docs/operations.md', () => {
  it('quotes messages that exist in the code', () => {
    const sources = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .map((path) => read(join('src', path)));
    const code = sources.join('\n');
    const page = read('docs/operations.md').replace(/^```.*?^```/gms, '');
    const firstCells = matches(page, /^\| (.*?) \| /gm);
    // Elsewhere, messages are sentences; commands and settings begin in lower case.
    const sentences = matches(page, /`([A-Z][a-z]* [^`]+)`/g);
    const quotes = [...firstCells.flatMap((cell) => matches(cell, /`([^`]+)`/g)), ...sentences];
    const parts = quotes
      .flatMap((quote) => quote.split('…'))
      .map((part) => part.replace(/^[\s,;:"]+|[\s,;:"]+$/g, ''));
    expect(parts.length).toBeGreaterThan(50);
    expect(unique(parts).filter((part) => !code.includes(part))).toEqual([]);
  });
});

describe('docs/reference.md', () => {
  const text = read('docs/reference.md');

  it('has the table of settings that "npm run schema" writes', () => {
    expect(withSettingsTable(text)).toBe(text);
  });

  it('lists every setting of an authorization and every variable of the worker', () => {
    const { lytics, gigya } = authorizationsSchema.parse({
      lytics: { provider: 'lytics', token: 't' },
      gigya: { provider: 'gigya', api_key: 'a', datacenter: 'eu1', user_key: 'u', secret_key: 's' },
    });
    const limits =
      gigya && 'limits' in gigya ? Object.keys(gigya.limits).map((name) => `limits.${name}`) : [];
    const settings = [...Object.keys(lytics ?? {}), ...Object.keys(gigya ?? {}), ...limits];
    const variables = matches(read('src/settings.ts'), /^ {2}([A-Z_]+): /gm);
    expect(variables.length).toBeGreaterThan(5);
    const names = [...settings.filter((name) => name !== 'limits'), ...variables];
    expect(unique(names).filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
  });

  it.each([
    ['counts', Object.keys(noCounts()).map((count) => `| \`${count}\` |`)],
    ['exit codes', Object.values(EXIT).map((code) => `| ${code} |`)],
    ['failure types', FINAL_FAILURES.map((type) => `| \`${type}\` |`)],
  ])('lists all %s', (_, rows) => {
    expect(rows.filter((row) => !text.includes(row))).toEqual([]);
  });
});
