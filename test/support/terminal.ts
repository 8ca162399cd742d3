import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { nodeArgs } from '../../scripts/nodeArgs.ts';
import { until } from './until.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export const KEYS = { enter: '\r', down: '\u001b[B', up: '\u001b[A', ctrlC: '\u0003' } as const;

/** A terminal that runs a program of this project, with a user at it. */
export interface Terminal {
  /** All output so far, without escape sequences. */
  screen(): string;
  /** The same with escape sequences. */
  raw(): string;
  /** Waits for output after the last match. */
  sees(what: string): Promise<void>;
  /** Waits for a question, answers it and presses Enter. */
  answers(question: string, answer?: string): Promise<void>;
  types(text: string): void;
  readonly exited: Promise<number | null>;
}

/** Why no terminal is available; undefined when one is. */
export function noTerminal(): string | undefined {
  try {
    const said = String(execFileSync('script', ['--version'], { stdio: ['ignore', 'pipe', 'ignore'] }));
    return said.includes('util-linux') ? undefined : 'the script program here is not that of util-linux';
  } catch {
    return 'the script program of util-linux is not here';
  }
}

/** Runs a TypeScript program in a pseudo terminal, created by util-linux' `script`. */
export function openTerminal(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  columns = 200,
): Terminal {
  return openTerminalFor([process.execPath, ...nodeArgs(file), ...args], env, columns);
}

/** Runs any command in a pseudo terminal. */
export function openTerminalFor(words: readonly string[], env: NodeJS.ProcessEnv, columns: number): Terminal {
  const quoted = words.map((word) => `'${word}'`);
  const command = `stty cols ${columns} rows 50; exec ${quoted.join(' ')}`;
  const child = spawn('script', ['--quiet', '--flush', '--return', '--command', command, '/dev/null'], {
    cwd: ROOT,
    env: { ...process.env, TERM: 'xterm', CI: '', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let raw = '';
  let seen = 0;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    raw += text;
  });
  const screen = () => stripVTControlCharacters(raw);
  const types = (text: string) => void child.stdin.write(text);
  const sees = (what: string) =>
    until(() => {
      const at = screen().indexOf(what, seen);
      if (at < 0) return false;
      seen = at + what.length;
      return true;
    }).then(
      () => undefined,
      () => {
        throw new Error(`Not on the screen: ${what}\n${screen()}`);
      },
    );
  return {
    screen,
    raw: () => raw,
    types,
    sees,
    async answers(question, answer = '') {
      await sees(`? ${question}`);
      types(answer);
      types(KEYS.enter);
    },
    exited: once(child, 'exit').then(([code]) => (typeof code === 'number' ? code : null)),
  };
}
