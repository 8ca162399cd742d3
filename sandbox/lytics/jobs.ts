import { isRecord } from '../gigya/documents.ts';
import { createRandom } from '../random.ts';
import type { World } from '../world.ts';
import { LyticsFailure, type LyticsReply, type LyticsRequest, notFound, sendV2 } from './envelope.ts';

/** A job of Lytics' own workflow `gigya-export`, as `GET /v2/job/gigya-export/{id}` returns it. */
export type Job = Readonly<Record<string, unknown>> & { id: string };

const emptyConfig = {
  segment_id: '',
  gigya_id_field: '',
  target_storage: '',
  continuous_update: false,
  time_of_day: '',
  timezone: '',
};

/** Keys that a request may set; all others are Lytics' own. */
const writable = [
  ...['name', 'description', 'auth_ids', 'config', 'expires_at', 'status'],
  ...['quiet_time_of_day', 'quiet_timezone', 'quiet_period', 'drop_events_during_quiet_window'],
];

/** Lytics shows times as `2:00pm`. */
function asShown(time: unknown): unknown {
  const [, hours, minutes] = typeof time === 'string' ? (/^(\d{1,2}):(\d{2})$/.exec(time) ?? []) : [];
  if (hours === undefined) return time;
  const hour = Number(hours);
  return `${hour % 12 || 12}:${minutes}${hour < 12 ? 'am' : 'pm'}`;
}

function checked(input: Record<string, unknown>): Record<string, unknown> {
  const given = Object.fromEntries(Object.entries(input).filter(([key]) => writable.includes(key)));
  const { config, auth_ids: authIds } = given;
  if (config !== undefined && !isRecord(config)) throw new LyticsFailure(422, 'config must be an object');
  // One: Gigya's. Lytics needs no authorization to itself.
  if (authIds !== undefined && !(Array.isArray(authIds) && authIds.length === 1))
    throw new LyticsFailure(422, 'auth_ids must hold one authorization');
  return given;
}

function merged(world: World, before: Job, input: Record<string, unknown>): Job {
  const given = checked(input);
  const config = {
    ...emptyConfig,
    ...(isRecord(before.config) && before.config),
    ...(isRecord(given.config) && given.config),
  };
  return {
    ...before,
    ...given,
    id: before.id,
    config: { ...config, time_of_day: asShown(config.time_of_day) },
    quiet_time_of_day: asShown(given.quiet_time_of_day ?? before.quiet_time_of_day),
    updated: new Date(world.now()).toISOString(),
  };
}

/** A new job: empty strings stand for defaults. */
export function makeJob(world: World, input: Record<string, unknown>): Job {
  const account = createRandom(world.population.seed ^ 0x10b);
  const [accountId, userId, workflowId, authId] = [1, 2, 3, 4].map(() => account.hex(32));
  const blank = {
    name: '',
    description: '',
    auth_ids: [authId],
    config: emptyConfig,
    id: world.random.hex(32),
    account_id: accountId,
    workflow: 'gigya-export',
    workflow_id: workflowId,
    status: 'running',
    user_id: userId,
    created: new Date(world.now()).toISOString(),
    updated: '',
    deleted: false,
    hidden: false,
    verbose_logging: false,
    meta: {},
    expires_at: '',
    monitoring: {},
    anomaly_rule: {},
    api_token_auth_id: '',
    sleep_until: '',
    quiet_time_of_day: '',
    quiet_timezone: '',
    quiet_period: 0,
    drop_events_during_quiet_window: false,
  };
  return merged(world, blank, input);
}

function bodyOf({ body }: LyticsRequest): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body);
    if (isRecord(value)) return value;
  } catch {
    // Falls through: not JSON and not an object are one fault.
  }
  throw new LyticsFailure(400, 'expected a JSON object');
}

function known(world: World, id: string): Job {
  const job = world.lytics.jobs.get(id);
  if (!job) throw notFound('job');
  return job;
}

/** What a list leaves out unless it is asked for. */
const hiddenUnless: readonly { parameter: string; isHidden(job: Job): boolean }[] = [
  { parameter: 'show_completed', isHidden: ({ status }) => status === 'completed' },
  { parameter: 'show_deleted', isHidden: ({ deleted }) => deleted === true },
  { parameter: 'show_hidden', isHidden: ({ hidden }) => hidden === true },
];

export function listJobs(world: World, { query }: LyticsRequest): LyticsReply {
  const workflow = query.get('workflow');
  const isAsked = (parameter: string) => [parameter, 'show_all'].some((one) => query.get(one) === 'true');
  const isListed = (job: Job) =>
    (workflow === null || job.workflow === workflow) &&
    hiddenUnless.every(({ parameter, isHidden }) => isAsked(parameter) || !isHidden(job));
  return sendV2(world, [...world.lytics.jobs.values()].filter(isListed));
}

export function oneJob(world: World, _: LyticsRequest, id: string): LyticsReply {
  return sendV2(world, known(world, id));
}

export function createJob(world: World, request: LyticsRequest): LyticsReply {
  const job = makeJob(world, bodyOf(request));
  world.commit({ type: 'job.put', job });
  return sendV2(world, job);
}

export function updateJob(world: World, request: LyticsRequest, id: string): LyticsReply {
  const job = merged(world, known(world, id), bodyOf(request));
  world.commit({ type: 'job.put', job });
  return sendV2(world, job);
}
