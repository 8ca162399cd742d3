import { access } from 'node:fs/promises';
import { input, select } from '@inquirer/prompts';
import type { AuthorizationInfo } from '../../activities/questions.ts';
import { Refused } from '../errors.ts';
import type { Questions } from '../questions.ts';
import { askForField, askForFields, type Draft, fieldsOf, type Provider } from './authorizationFields.ts';
import { namesIn, saveAuthorization } from './authorizationsFile.ts';
import { complain, interruptible, isExpected } from './interruptible.ts';
import { notEmpty } from './validBy.ts';

const NEW = Symbol('a new authorization');
const GIVE_UP = Symbol('give up');

/** @returns The name of an authorization that the worker has. */
export async function chooseAuthorization(
  questions: Questions,
  provider: Provider,
  file: string,
): Promise<string> {
  const known = await listAuthorizations(questions, file);
  const choices = known
    .filter((authorization) => authorization.provider === provider)
    .map(({ name, where }) => ({ name: `${name} (${where})`, value: name }));
  const chosen = await select<string | typeof NEW>({
    message: `${titleOf(provider)} authorization`,
    choices: [...choices, { name: 'Add a new one', value: NEW }],
  });
  if (chosen !== NEW) return chosen;
  await assertSameFile(known, file);
  const taken = new Set(known.map(({ name }) => name));
  const name = await askForName(provider, taken);
  return addAuthorization(questions, provider, name, file);
}

/** Without a file there are no authorizations yet; the first one creates it. */
async function listAuthorizations(questions: Questions, file: string): Promise<AuthorizationInfo[]> {
  try {
    return await interruptible(questions.listAuthorizations());
  } catch (error) {
    if (error instanceof Refused && !(await exists(file))) return [];
    throw error;
  }
}

/** Report early, not after six answers, that the worker does not read this file. */
async function assertSameFile(known: readonly AuthorizationInfo[], file: string): Promise<void> {
  const here = await namesIn(file);
  if (known.length === here.length && known.every(({ name }) => here.includes(name))) return;
  throw new Refused(
    `The worker does not read ${file}: it runs elsewhere, or with another AUTHORIZATIONS_FILE. Add the authorization to the worker's file, and choose it here`,
  );
}

async function askForName(provider: Provider, taken: ReadonlySet<string>): Promise<string> {
  const name = await input({
    message: 'Name of the authorization',
    default: taken.has(provider) ? `${provider}-2` : provider,
    validate: (value) => (taken.has(value.trim()) ? 'Name already in use' : notEmpty(value)),
  });
  return name.trim();
}

/** Saves it so that the worker can verify it. If that fails, removes it and asks for corrections. */
async function addAuthorization(
  questions: Questions,
  provider: Provider,
  name: string,
  file: string,
): Promise<string> {
  let draft = await askForFields(provider);
  for (;;) {
    const restore = await saveAuthorization(file, name, draft);
    try {
      await interruptible(prove(questions, name, file));
      process.stderr.write(`✔ ${titleOf(provider)} accepts it. Saved to ${file} (mode 600)\n`);
      return name;
    } catch (error) {
      await restore();
      if (!isExpected(error)) throw error;
      complain(error);
      draft = await correct(provider, draft);
    }
  }
}

async function prove(questions: Questions, name: string, file: string): Promise<void> {
  const seen = await questions.listAuthorizations();
  if (!seen.some((authorization) => authorization.name === name)) {
    throw new Refused(
      `The worker does not see "${name}" in ${file}: it runs elsewhere, or with another AUTHORIZATIONS_FILE`,
    );
  }
  await questions.proveAuthorization(name);
}

async function correct(provider: Provider, draft: Draft): Promise<Draft> {
  const chosen = await select<string | typeof GIVE_UP>({
    message: 'Not kept. What do you want to correct?',
    choices: [
      ...fieldsOf(provider).map(({ key, title }) => ({ name: title, value: key })),
      { name: 'Nothing: give up', value: GIVE_UP },
    ],
  });
  if (chosen === GIVE_UP) throw new Refused('Nothing was saved');
  return askForField(provider, chosen, draft);
}

function titleOf(provider: Provider): string {
  return provider === 'lytics' ? 'Lytics' : 'Gigya';
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
