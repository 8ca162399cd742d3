import { isDeepStrictEqual } from 'node:util';
import { type Job, keysWithoutEffect, parseJob } from '../job.ts';
import { isEmpty } from '../settingTypes.ts';

type Settings = Readonly<Record<string, unknown>>;

/** A setting that differs from Lytics'. */
export interface Change {
  /** `config.time_of_day` */
  setting: string;
  lytics: unknown;
  here: unknown;
}

export interface ImportedJob {
  /** What Lytics' job sets, in canonical form: what `create` takes. */
  document: Settings;
  job: Job;
  changes: Change[];
  /** Keys of Lytics' job that are set and have no effect here. */
  withoutEffect: string[];
}

export interface ImportChoices {
  authIds: readonly string[];
  /** @default Lytics' */
  name?: string | undefined;
}

/**
 * Turns a job that Lytics' API returned into one of this project. A job that is kept updated is paused, since
 * the one in Lytics may still run; any other has no schedule that could be.
 *
 * @throws {InvalidJob} when Lytics' job has something that cannot run here.
 */
export function importJob(original: Settings, { authIds, name }: ImportChoices): ImportedJob {
  const { status, ...settings } = original;
  const parsed = parseJob({ ...settings, ...(name !== undefined && { name }), auth_ids: authIds });
  const { config, ...top } = parsed;
  const withoutEffect = keysWithoutEffect(settings);
  const isPaused = config.continuous_update;
  const document: Settings = {
    // Lytics returns 0 hours where there are no quiet hours.
    ...pick(
      top,
      (key) => !withoutEffect.includes(key) && !(key === 'quiet_period' && top.quiet_period === 0),
    ),
    config: pick(config, (key) => !isEmpty(configOf(original)[key])),
    ...(isPaused && { status: 'paused' }),
  };
  return {
    document,
    job: parseJob(document),
    changes: changesOf(original, document),
    withoutEffect: [...withoutEffect, ...(isPaused || isEmpty(status) ? [] : ['status'])],
  };
}

function changesOf(original: Settings, document: Settings): Change[] {
  const { config: _, ...top } = document;
  return [
    ...differences(original, top, ''),
    ...differences(configOf(original), configOf(document), 'config.'),
  ];
}

function differences(before: Settings, after: Settings, prefix: string): Change[] {
  return Object.entries(after)
    .filter(([key, value]) => !isDeepStrictEqual(before[key], value))
    .map(([key, value]) => ({ setting: `${prefix}${key}`, lytics: before[key] ?? null, here: value }));
}

function configOf({ config }: Settings): Settings {
  return typeof config === 'object' && config !== null ? { ...config } : {};
}

function pick(settings: Settings, isKept: (key: string) => boolean): Settings {
  return Object.fromEntries(Object.entries(settings).filter(([key]) => isKept(key)));
}
