import { resolve } from 'node:path';
import { input, password, select } from '@inquirer/prompts';
import { DATACENTERS } from '../../authorizations.ts';
import { problemWithBaseUrl } from '../../urls.ts';
import { notEmpty } from './validBy.ts';

export type Provider = 'lytics' | 'gigya';

/** An authorization as it will be saved in the file. */
export type Draft = Readonly<Record<string, string>>;

/** One question; `ask` adds its answer to the draft. */
interface Field {
  key: string;
  title: string;
  ask(draft: Draft): Promise<Draft>;
}

/** In the order in which they are offered for correction: the most frequent mistakes first. */
const FIELDS: Readonly<Record<Provider, readonly Field[]>> = {
  lytics: [
    { key: 'token', title: 'API token', ask: (draft) => hidden(draft, 'token', 'API token') },
    { key: 'base_url', title: 'Base URL', ask: (draft) => baseUrl(draft, 'https://api.lytics.io') },
  ],
  gigya: [
    { key: 'secret', title: 'Secret key or private key', ask: secretOrPrivateKey },
    {
      key: 'user_key',
      title: 'User key',
      ask: (draft) => visible(draft, 'user_key', 'User key of the application'),
    },
    { key: 'api_key', title: 'API key', ask: (draft) => visible(draft, 'api_key', 'API key of the site') },
    { key: 'datacenter', title: 'Data center', ask: datacenter },
    {
      key: 'base_url',
      title: 'Base URL',
      ask: (draft) => baseUrl(draft, `https://…${draft['datacenter'] ?? ''}`),
    },
  ],
};

/** The order of Lytics' form. */
const ORDER: Readonly<Record<Provider, readonly string[]>> = {
  lytics: ['token', 'base_url'],
  gigya: ['api_key', 'datacenter', 'user_key', 'secret', 'base_url'],
};

export function fieldsOf(provider: Provider): readonly { key: string; title: string }[] {
  return FIELDS[provider];
}

export async function askForFields(provider: Provider): Promise<Draft> {
  let draft: Draft = { provider };
  for (const key of ORDER[provider]) draft = await askForField(provider, key, draft);
  return draft;
}

/** @returns The draft with the answer to one question replaced. */
export async function askForField(provider: Provider, key: string, draft: Draft): Promise<Draft> {
  const field = FIELDS[provider].find((one) => one.key === key);
  return field ? field.ask(draft) : draft;
}

async function hidden(draft: Draft, key: string, message: string): Promise<Draft> {
  const value = await password({ message, mask: true, validate: notEmpty });
  return { ...draft, [key]: value.trim() };
}

async function visible(draft: Draft, key: string, message: string): Promise<Draft> {
  const before = draft[key];
  const value = await input({
    message,
    validate: notEmpty,
    ...(before !== undefined && { default: before }),
  });
  return { ...draft, [key]: value.trim() };
}

async function datacenter(draft: Draft): Promise<Draft> {
  const host = await select({
    message: 'Data center',
    choices: DATACENTERS.map((name) => ({ name, value: name })),
  });
  return { ...draft, datacenter: host };
}

async function secretOrPrivateKey({ secret_key: _, private_key: __, ...draft }: Draft): Promise<Draft> {
  const kind = await select<'secret_key' | 'private_key'>({
    message: 'Authenticate with',
    choices: [
      { name: 'the secret key', value: 'secret_key' },
      { name: 'an RSA private key in a file (preferred by SAP)', value: 'private_key' },
    ],
  });
  if (kind === 'secret_key') return hidden(draft, 'secret_key', 'Secret key');
  const path = await input({ message: 'Path of the private key', validate: notEmpty });
  return { ...draft, private_key: `file:${resolve(path.trim())}` };
}

async function baseUrl({ base_url: before, ...draft }: Draft, fallback: string): Promise<Draft> {
  const url = await input({
    message: `Base URL (empty for ${fallback})`,
    validate: (value) => value.trim() === '' || (problemWithBaseUrl(value.trim()) ?? true),
    ...(before !== undefined && { default: before }),
  });
  return url.trim() === '' ? draft : { ...draft, base_url: url.trim() };
}
