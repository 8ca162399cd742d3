import { confirm, input, search, select } from '@inquirer/prompts';
import { type JobDocument, jobSchema } from '../../job.ts';
import { clockWarning, safeTime } from '../daylightSaving.ts';
import { type Output, tell, troubleLines } from '../print.ts';
import { validBy } from './validBy.ts';

type Options = Partial<JobDocument['config']>;

const SETTINGS = jobSchema.shape.config.shape;

/** The advanced options of Lytics' form, in its order. */
export async function askForOptions(output: Output): Promise<Options> {
  if (!(await confirm({ message: 'Show advanced options?', default: false }))) return {};
  const gigya_id_field = await input({
    message: 'Gigya ID field',
    default: 'gy_profile_id',
    validate: validBy(SETTINGS.gigya_id_field),
  });
  const target_storage = await select({
    message: 'Storage',
    choices: [
      { name: 'Account', value: 'account' },
      { name: 'Data Store', value: 'data_store' },
    ],
  });
  const continuous_update = await confirm({ message: 'Keep updated (daily)?', default: false });
  if (!continuous_update) return { gigya_id_field, target_storage };
  return { gigya_id_field, target_storage, continuous_update, ...(await askForTime(output)) };
}

async function askForTime(output: Output): Promise<Options> {
  let time_of_day = await askForTimeOfDay('00:00');
  const timezone = await chooseTimezone();
  for (;;) {
    const warning = clockWarning(time_of_day, timezone);
    if (!warning) return { time_of_day, timezone };
    tell(output, troubleLines(warning, output));
    if (!(await confirm({ message: 'Choose another time?', default: true })))
      return { time_of_day, timezone };
    time_of_day = await askForTimeOfDay(safeTime(time_of_day, timezone) ?? time_of_day);
  }
}

/** `7:15` is taken, and becomes `07:15`. */
async function askForTimeOfDay(suggestion: string): Promise<string> {
  const typed = await input({
    message: 'Time of day',
    default: suggestion,
    validate: validBy(SETTINGS.time_of_day),
  });
  return SETTINGS.time_of_day.parse(typed);
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
