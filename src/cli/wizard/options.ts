import { checkbox, confirm, input, select } from '@inquirer/prompts';
import { type JobDocument, jobSchema } from '../../job.ts';
import type { Output } from '../print.ts';
import type { Questions } from '../questions.ts';
import { chooseAudience } from './chooseAudience.ts';
import { askForMappings } from './mappings.ts';
import { askForQuietHours, askForSchedule } from './times.ts';
import { validBy } from './validBy.ts';

type Config = Partial<JobDocument['config']>;

/** The settings that the advanced options add to the document. */
export interface Options {
  config: Config;
  quiet?: Pick<JobDocument, 'quiet_time_of_day' | 'quiet_period' | 'quiet_timezone'>;
}

interface Tools {
  questions: Questions;
  /** The Lytics authorization. */
  lytics: string;
  output: Output;
}

interface Option {
  name: string;
  ask(tools: Tools): Promise<Partial<Options>>;
}

const SETTINGS = jobSchema.shape.config.shape;

/** The options of Lytics' form in its order, then this project's. */
const OPTIONS: readonly Option[] = [
  { name: 'Gigya ID field', ask: asConfig(askForIdField) },
  { name: 'Storage', ask: asConfig(askForStorage) },
  { name: 'Keep updated', ask: asConfig(({ output }) => askForSchedule(output)) },
  { name: 'Users who leave', ask: asConfig(askForOnExit) },
  { name: 'Removals without approval', ask: asConfig(askForMaxRemovals) },
  { name: 'Excluded audiences', ask: asConfig(askForExcluded) },
  { name: 'Further fields', ask: asConfig(askForMappings) },
  { name: 'Mute webhooks', ask: async () => ({ config: { mute_webhooks: true } }) },
  { name: 'Quiet hours', ask: async () => ({ quiet: await askForQuietHours() }) },
];

/** Asks for the advanced options that the user selects. */
export async function askForOptions(tools: Tools): Promise<Options> {
  const selected = await checkbox({
    message: 'Advanced options',
    choices: OPTIONS.map((option) => ({ name: option.name, value: option })),
    pageSize: OPTIONS.length,
    loop: false,
  });
  const options: Options = { config: {} };
  for (const { ask } of selected) {
    const { config, ...rest } = await ask(tools);
    Object.assign(options, rest);
    Object.assign(options.config, config);
  }
  return options;
}

function asConfig(ask: (tools: Tools) => Promise<Config>): Option['ask'] {
  return async (tools) => ({ config: await ask(tools) });
}

async function askForIdField(): Promise<Config> {
  const gigya_id_field = await input({
    message: 'Gigya ID field',
    default: 'gy_profile_id',
    validate: validBy(SETTINGS.gigya_id_field),
  });
  return { gigya_id_field };
}

async function askForStorage(): Promise<Config> {
  const target_storage = await select({
    message: 'Storage',
    choices: [
      { name: 'Account', value: 'account' },
      { name: 'Data Store', value: 'data_store' },
    ],
  });
  return { target_storage };
}

async function askForOnExit(): Promise<Config> {
  const on_exit = await select<'update' | 'keep'>({
    message: 'Users who leave the audience',
    choices: [
      { name: 'Correct them in Gigya', value: 'update' },
      { name: 'Keep them as they are', value: 'keep' },
    ],
  });
  return { on_exit };
}

async function askForMaxRemovals(): Promise<Config> {
  const isValid = validBy(SETTINGS.max_removals);
  const typed = await input({
    message: 'Most removals without approval (below 1 a share of the carriers, else users)',
    default: '0.2',
    validate: (value) => isValid(value.trim() === '' ? Number.NaN : Number(value)),
  });
  return { max_removals: Number(typed) };
}

async function askForExcluded({ questions, lytics }: Tools): Promise<Config> {
  const excluded = new Set<string>();
  do excluded.add(await chooseAudience(questions, lytics, 'Excluded audience'));
  while (await confirm({ message: 'Exclude another audience?', default: false }));
  return { exclude_segment_ids: [...excluded] };
}
