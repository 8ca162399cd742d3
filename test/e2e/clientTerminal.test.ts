import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { nodeArgs } from '../../scripts/nodeArgs.ts';
import { type CommandRig, startCommandRig } from '../support/commandRig.ts';
import { client, run } from '../support/commands.ts';
import { jobDocument } from '../support/jobs.ts';
import { unique } from '../support/temporal.ts';
import { KEYS, noTerminal, openTerminal, openTerminalFor } from '../support/terminal.ts';

const why = noTerminal();
if (why) console.warn(`The test of the bar was LEFT OUT: ${why}`);

let rig: CommandRig;
beforeAll(async () => {
  rig = await startCommandRig(inject('temporalAddress'), 'default');
});
afterAll(() => rig?.stop());

const SHOW_CURSOR = '\u001b[?25h';
const HIDE_CURSOR = '\u001b[?25l';

describe.skipIf(why)('a run that is followed at a terminal', () => {
  const follow = (name: string, columns: number, env: NodeJS.ProcessEnv = {}) =>
    openTerminal('src/client.ts', ['follow', name], { ...rig.env, ...env }, columns);

  it.each([60, 80])('shows a bar in %d columns, and trouble on lines of its own', async (columns) => {
    const name = unique('Bar');
    const big = await rig.start(jobDocument(name));
    await big.show({ total: 12_345_678, seen: 1_234_567, rate: 120, seconds_left: 92_593 });
    const person = follow(name, columns);
    await person.sees('9% 1,234,567/12,345,678 120/s 25.7 h left');
    await big.show({ reason: `Gigya does not answer: ${'a long story '.repeat(8)}` });
    await person.sees('! Gigya does not answer: a long story');
    await big.end('complete');
    await person.sees('Completed in 1 s.');
    expect(await person.exited).toBe(0);
    const lines = person.screen().split(/[\r\n]+/);
    expect(lines.filter(({ length }) => length > columns)).toEqual([]);
    const raw = person.raw();
    expect(raw.lastIndexOf(SHOW_CURSOR)).toBeGreaterThan(raw.lastIndexOf(HIDE_CURSOR));
  });

  it('continues after Ctrl-C, which restores the cursor and prints how to stop the run', async () => {
    const name = unique('Left');
    const left = await rig.start(jobDocument(name));
    // As a person starts it: npm forwards the signal, so that it arrives twice.
    const person = openTerminalFor(['npm', 'run', '-s', 'client', '--', 'follow', name], rig.env, 80);
    await person.sees('0% 0/2,000');
    person.types(KEYS.ctrlC);
    await person.sees('The run continues. Follow it again: ');
    await person.sees(` follow ${name.toLowerCase()}`);
    await person.sees('Stop it for good: ');
    await person.sees(` cancel ${name.toLowerCase()}`);
    expect(await person.exited).toBe(130);
    const raw = person.raw();
    expect(raw.lastIndexOf(SHOW_CURSOR)).toBeGreaterThan(raw.lastIndexOf(HIDE_CURSOR));
    await left.end('complete');
  });

  it.each([{ TERM: 'dumb' }, { CI: 'true' }])('has plain lines with %j', async (env) => {
    const name = unique('Plain');
    const plain = await rig.start(jobDocument(name));
    const person = follow(name, 80, env);
    await person.sees('0/2,000 users, running');
    await plain.end('complete');
    await person.sees('Completed in 1 s.');
    expect(await person.exited).toBe(0);
    expect(person.raw()).not.toContain('\u001b');
  });
});

describe('the program', () => {
  it('reads a job document from standard input', async () => {
    const document = JSON.stringify(jobDocument(unique('Piped')));
    const started = await client(['run', '-', '--no-follow'], rig.env, `\uFEFF${document}`);
    expect(started).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Started gigya-export\/piped/) });
    const broken = await client(['run', '-'], rig.env, '{\n  "name": "x",\n  oops');
    expect(broken).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^Standard input is not valid JSON \(line 3, column 3\)/),
    });
  });

  it('prints errors as JSON on standard error with --json', async () => {
    const [refused, misspelt, empty] = await Promise.all([
      client(['--json', 'status', 'nobody'], rig.env),
      client(['--json', 'statsu'], rig.env),
      client(['--json'], rig.env),
    ]);
    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(JSON.parse(refused.stderr)).toEqual({
      error: { type: 'Refused', message: 'There is no job "nobody"; "list" shows the jobs', exit_code: 1 },
    });
    expect(misspelt).toMatchObject({ code: 2, stdout: '' });
    expect(JSON.parse(misspelt.stderr)).toEqual({
      error: {
        type: 'UsageError',
        message: "unknown command 'statsu'\n(Did you mean status?)",
        exit_code: 2,
      },
    });
    expect(JSON.parse(empty.stderr)).toMatchObject({
      error: { message: 'No command was given; --help lists the commands', exit_code: 2 },
    });
  });

  it('prints its version', async () => {
    const { version } = JSON.parse(await readFile('package.json', 'utf8'));
    const { code, stdout } = await client(['--version'], rig.env);
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${version}\n` });
  });

  it('does not treat a closed pipe as an error', async () => {
    const piped = `node ${nodeArgs('src/client.ts').join(' ')} list | true; echo $PIPESTATUS`;
    expect(await run('bash', ['-c', piped], rig.env)).toEqual({ code: 0, stdout: '0\n', stderr: '' });
  });
});
