import { basename, relative } from 'node:path';

/** How this program is called here, so that what help and messages print can be pasted. */
const PROGRAM = programAs(process.argv[1] ?? '');

function programAs(path: string): string {
  // The name under which package.json and the image install it.
  if (basename(path) === 'lytics-gigya-export') return basename(path);
  return path.endsWith('client.js') ? `node ${relative(process.cwd(), path)}` : 'npm run client --';
}

/** A command line to paste: `npm run client -- follow "VIPs to Gigya"`. */
export function commandLine(...words: string[]): string {
  return [PROGRAM, ...words.map(quoted)].join(' ');
}

/** One whose output another program reads: npm prints a banner unless it is told not to. */
export function pipedCommandLine(...words: string[]): string {
  return commandLine(...words).replace(/^npm run client/, 'npm run -s client');
}

function quoted(word: string): string {
  if (/^[\p{L}\p{N}_./:@=<>-]+$/u.test(word)) return word;
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
