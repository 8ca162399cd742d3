import { confirm, input, search, select } from '@inquirer/prompts';
import { type JobDocument, jobSchema, parseJob } from '../../job.ts';
import { DAYS, FREQUENCIES } from '../../jobConfig.ts';
import { safeTime } from '../daylightSaving.ts';
import { type Output, tell, troubleLines } from '../print.ts';
import { scheduleWarning } from '../scheduleSpec.ts';
import { validBy } from './validBy.ts';

type Config = Partial<JobDocument['config']>;

const { time_of_day: timeOfDay, day_of_month } = jobSchema.shape.config.shape;

/** How often a job that is kept updated runs, and when. */
export async function askForSchedule(output: Output): Promise<Config> {
  const frequency = await askForFrequency();
  const first = await askForTime('Time of day', '00:00');
  const timezone = await chooseTimezone('Timezone');
  const config = { continuous_update: true, ...frequency, time_of_day: first, timezone };
  for (;;) {
    const warning = warningOf(config);
    if (!warning) return config;
    tell(output, troubleLines(warning, output));
    if (!(await confirm({ message: 'Choose another time?', default: true }))) return config;
    const { time_of_day } = config;
    config.time_of_day = await askForTime('Time of day', safeTime(time_of_day, timezone) ?? time_of_day);
  }
}

/** The prompt for the time warns by itself; months without the day are reported when the job is created. */
function warningOf(config: Config): string | undefined {
  const { day_of_month: _, ...rest } = config;
  const job = parseJob({ name: 'any', auth_ids: ['any'], config: { segment_id: 'any', ...rest } });
  return scheduleWarning(job);
}

async function askForFrequency(): Promise<Config> {
  const chosen = await select({
    message: 'Run',
    choices: FREQUENCIES.map((value) => ({ name: value, value })),
    default: 'daily',
  });
  if (chosen === 'weekly') {
    const days = DAYS.map((value) => ({ name: value, value }));
    return {
      run_frequency: chosen,
      day_of_week: await select({ message: 'Day of the week', choices: days }),
    };
  }
  if (chosen !== 'monthly') return chosen === 'daily' ? {} : { run_frequency: chosen };
  const isValid = validBy(day_of_month);
  const day = await input({
    message: 'Day of the month',
    default: '1',
    validate: (value) => isValid(value.trim() === '' ? Number.NaN : Number(value)),
  });
  return { run_frequency: chosen, day_of_month: Number(day) };
}

export async function askForQuietHours() {
  const { quiet_period } = jobSchema.shape;
  const quiet_time_of_day = await askForTime('Quiet hours begin at', '22:00');
  const isValid = validBy(quiet_period);
  const hours = await input({
    message: 'Length of the quiet hours, in hours',
    default: '8',
    validate: (value) => isValid(value.trim() === '' ? Number.NaN : Number(value)),
  });
  const quiet_timezone = await chooseTimezone('Timezone of the quiet hours');
  return { quiet_time_of_day, quiet_period: Number(hours), quiet_timezone };
}

/** `7:15` is accepted and becomes `07:15`. */
async function askForTime(message: string, suggestion: string): Promise<string> {
  const typed = await input({ message, default: suggestion, validate: validBy(timeOfDay) });
  return timeOfDay.parse(typed);
}

function chooseTimezone(message: string): Promise<string> {
  const zones = ['UTC', ...Intl.supportedValuesOf('timeZone').filter((zone) => zone !== 'UTC')];
  return search({
    message: `${message} (type to search)`,
    source: (term = '') => {
      const wanted = term.toLowerCase().replaceAll(' ', '_');
      return zones.filter((zone) => zone.toLowerCase().includes(wanted)).map((zone) => ({ value: zone }));
    },
  });
}
