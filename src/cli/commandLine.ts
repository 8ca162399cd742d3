import { basename, relative } from 'node:path';

/** The command that runs this program, so that printed commands can be pasted. */
const PROGRAM = programAs(process.argv[1] ?? '');

function programAs(path: string): string {
  // The command that package.json and the image install.
  if (basename(path) === 'lytics-gigya-export') return basename(path);
  return path.endsWith('client.js') ? `node ${relative(process.cwd(), path)}` : 'npm run client --';
}

/** A command line to paste: `npm run client -- follow "VIPs to Gigya"`. */
export function commandLine(...words: string[]): string {
  return [PROGRAM, ...words.map(quoted)].join(' ');
}

/** A command line for scripts: without `-s`, npm prints a banner. */
export function pipedCommandLine(...words: string[]): string {
  return commandLine(...words).replace(/^npm run client/, 'npm run -s client');
}

function quoted(word: string): string {
  if (/^[\p{L}\p{N}_./:@=<>-]+$/u.test(word)) return word;
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
