import { chmod, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { confirm, input, password, search, select } from '@inquirer/prompts';
import type { AudienceInfo, AuthorizationInfo } from '../activities/questions.ts';
import { DATACENTERS, problemWithBaseUrl } from '../authorizations.ts';
import { type Job, type JobDocument, jobSchema, parseJob } from '../job.ts';
import { slugOf } from '../names.ts';
import type { Ask } from './ask.ts';
import { clockWarning } from './daylightSaving.ts';
import { Refused, UsageError } from './errors.ts';
import { figure, tell } from './print.ts';

const NEW = Symbol('a new authorization');

/** Asks for a job in the terminal, in the order of Lytics' form, and saves its document. */
export async function askForJob(ask: Ask, authorizationsFile: string): Promise<Job> {
  if (!process.stdin.isTTY)
    throw new UsageError('Without a terminal to ask in, "create" needs a job document: create job.json');
  const lytics = await chooseAuthorization(ask, 'lytics', authorizationsFile);
  const gigya = await chooseAuthorization(ask, 'gigya', authorizationsFile);
  const name = await input({
    message: 'Label',
    validate: valid((value) => jobSchema.shape.name.safeParse(value)),
  });
  const description = await input({ message: 'Description (optional)' });
  const audience = await chooseAudience(await ask.listAudiences(lytics));
  const document: JobDocument = {
    name,
    ...(description && { description }),
    auth_ids: [lytics, gigya],
    config: { segment_id: audience.slug, ...(await askForOptions()) },
  };
  const job = parseJob(document);
  tell(`\n${JSON.stringify(document, null, 2)}\n`);
  const path = await input({ message: 'Save the document as', default: `${slugOf(name)}.json` });
  await writeFile(path, `${JSON.stringify(document, null, 2)}\n`);
  if (!(await confirm({ message: 'Start it?', default: true }))) {
    throw new Refused(`Not started; start it later with "create ${path}"`);
  }
  return job;
}

async function chooseAuthorization(ask: Ask, provider: 'lytics' | 'gigya', file: string): Promise<string> {
  const title = provider === 'lytics' ? 'Lytics' : 'Gigya';
  const known = await ask.listAuthorizations().catch((error: unknown): AuthorizationInfo[] => {
    // No file yet: the first authorization makes it.
    if (error instanceof Refused && error.message.includes('could not be read')) return [];
    throw error;
  });
  const choices = known
    .filter((authorization) => authorization.provider === provider)
    .map(({ name, where }) => ({ name: `${name} (${where})`, value: name }));
  const chosen = await select<string | typeof NEW>({
    message: `${title} authorization`,
    choices: [...choices, { name: 'Make a new one', value: NEW }],
  });
  if (chosen !== NEW) return chosen;
  for (;;) {
    const taken = new Set(known.map(({ name }) => name));
    const name = await input({
      message: 'Name of the authorization',
      default: taken.has(provider) ? `${provider}-2` : provider,
      validate: (value) =>
        taken.has(value.trim()) ? 'There is one of this name' : value.trim() !== '' || 'Type a name',
    });
    const restore = await saveAuthorization(file, name.trim(), await askForAuthorization(provider));
    try {
      await unlessInterrupted(ask.proveAuthorization(name.trim()));
      tell(`✔ ${title} takes it. It is saved in ${file}, for its owner alone to read.`);
      return name.trim();
    } catch (error) {
      await restore();
      if (!(error instanceof Refused)) throw error;
      tell(`✘ ${error.message}\n  It was not kept; try again.`);
    }
  }
}

/** Ctrl-C while no prompt is there to take it. */
class Interrupted extends Error {
  override readonly name = 'ExitPromptError';
}

async function unlessInterrupted<T>(work: Promise<T>): Promise<T> {
  let interrupt = () => {};
  const interrupted = new Promise<never>((_, reject) => {
    interrupt = () => reject(new Interrupted());
  });
  process.once('SIGINT', interrupt);
  try {
    return await Promise.race([work, interrupted]);
  } finally {
    process.off('SIGINT', interrupt);
  }
}

async function askForAuthorization(provider: 'lytics' | 'gigya'): Promise<Record<string, string>> {
  const hidden = (message: string) =>
    password({ message, mask: true, validate: (value) => value.trim() !== '' || 'Type or paste it' });
  const required = (message: string) =>
    input({ message, validate: (value) => value.trim() !== '' || 'Type or paste it' });
  const address = async (fallback: string) => {
    const url = await input({
      message: `Base URL (empty for ${fallback})`,
      validate: (value) => value.trim() === '' || (problemWithBaseUrl(value.trim()) ?? true),
    });
    return url.trim() === '' ? {} : { base_url: url.trim() };
  };
  if (provider === 'lytics') {
    return {
      provider,
      token: (await hidden('API token')).trim(),
      ...(await address('https://api.lytics.io')),
    };
  }
  const api_key = (await required('API key of the site')).trim();
  const datacenter = await select({
    message: 'Data centre',
    choices: DATACENTERS.map((host) => ({ name: host, value: host })),
  });
  const user_key = (await required('User key of the application')).trim();
  const kind = await select<'secret_key' | 'private_key'>({
    message: 'It proves itself with',
    choices: [
      { name: 'its secret key', value: 'secret_key' },
      { name: 'an RSA private key in a file (preferred by SAP)', value: 'private_key' },
    ],
  });
  const secret =
    kind === 'secret_key'
      ? (await hidden('Secret key')).trim()
      : `file:${resolve((await required('Path of the private key')).trim())}`;
  return {
    provider,
    api_key,
    datacenter,
    user_key,
    [kind]: secret,
    ...(await address(`https://…${datacenter}`)),
  };
}

/** Adds an authorization to the file. @returns What puts the file back as it was. */
async function saveAuthorization(file: string, name: string, authorization: Record<string, string>) {
  const before = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new UsageError(`The authorizations file ${file} cannot be read (${error.code}); correct it`);
  });
  let authorizations: Record<string, unknown>;
  try {
    authorizations = JSON.parse(before ?? '{}');
  } catch {
    throw new UsageError(`The authorizations file ${file} is not JSON; correct it`);
  }
  await writePrivately(file, `${JSON.stringify({ ...authorizations, [name]: authorization }, null, 2)}\n`);
  return () => (before === undefined ? rm(file) : writePrivately(file, before));
}

/** At no moment is the file half-written, or open to others. */
async function writePrivately(file: string, text: string): Promise<void> {
  const draft = `${file}.${process.pid}.tmp`;
  await writeFile(draft, text, { mode: 0o600 });
  await chmod(draft, 0o600);
  await rename(draft, file);
}

function chooseAudience(audiences: readonly AudienceInfo[]): Promise<AudienceInfo> {
  if (audiences.length === 0) throw new Refused('The Lytics account has no audiences; make one there first');
  return search({
    message: 'Audience (type to search)',
    source: (term = '') => {
      const wanted = term.toLowerCase();
      return audiences
        .filter(({ name, slug }) => name.toLowerCase().includes(wanted) || slug.includes(wanted))
        .map((audience) => ({
          name: `${audience.name} – ${audience.size === null ? 'unknown size' : `${figure(audience.size)} users`}`,
          value: audience,
          description: audience.is_public ? audience.slug : `${audience.slug}; not open to Lytics' API`,
        }));
    },
  });
}

async function askForOptions(): Promise<Partial<JobDocument['config']>> {
  if (!(await confirm({ message: 'Show advanced options?', default: false }))) return {};
  const gigya_id_field = await input({ message: 'Gigya ID field', default: 'gy_profile_id' });
  const target_storage = await select({
    message: 'Storage',
    choices: [
      { name: 'Account', value: 'account' },
      { name: 'Data Store', value: 'data_store' },
    ],
  });
  const continuous_update = await confirm({ message: 'Keep updated (daily)?', default: false });
  if (!continuous_update) return { gigya_id_field, target_storage };
  for (;;) {
    const time_of_day = await input({
      message: 'Time of day',
      default: '00:00',
      validate: valid((value) => jobSchema.shape.config.shape.time_of_day.safeParse(value)),
    });
    const timezone = await chooseTimezone();
    const warning = clockWarning(time_of_day, timezone);
    if (warning) tell(`! ${warning}`);
    if (!warning || !(await confirm({ message: 'Choose another time?', default: true }))) {
      return { gigya_id_field, target_storage, continuous_update, time_of_day, timezone };
    }
  }
}

function chooseTimezone(): Promise<string> {
  const zones = ['UTC', ...Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC')];
  return search({
    message: 'Timezone (type to search)',
    source: (term = '') => {
      const wanted = term.toLowerCase().replaceAll(' ', '_');
      return zones.filter((zone) => zone.toLowerCase().includes(wanted)).map((zone) => ({ value: zone }));
    },
  });
}

/** A prompt's check from a schema's. */
function valid(check: (value: string) => { success: boolean; error?: { issues: { message: string }[] } }) {
  return (value: string): true | string => {
    const result = check(value);
    return result.success || (result.error?.issues[0]?.message ?? 'not valid');
  };
}
