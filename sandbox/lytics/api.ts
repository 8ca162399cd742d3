import type { FaultAction } from '../faults.ts';
import type { World } from '../world.ts';
import { entity } from './entity.ts';
import { LyticsFailure, type LyticsReply, type LyticsRequest, notFound, sendFailure } from './envelope.ts';
import { createJob, listJobs, oneJob, updateJob } from './jobs.ts';
import { adHocScan, scan } from './pages.ts';
import { routeOf } from './routes.ts';
import { listV1, listV2, oneV1, oneV2, sizesV1 } from './segments.ts';

type Handler = (
  world: World,
  request: LyticsRequest,
  part: string,
  twist: FaultAction | undefined,
) => LyticsReply;

const handlers: Record<string, Handler> = {
  segments: listV2,
  segment: oneV2,
  v1_segments: listV1,
  v1_segment: oneV1,
  v1_segment_sizes: sizesV1,
  scan,
  adhoc_scan: adHocScan,
  jobs: listJobs,
  job: oneJob,
  job_create: createJob,
  job_update: updateJob,
};

function route(world: World, request: LyticsRequest, twist: FaultAction | undefined): LyticsReply {
  // The token stands alone: a scheme word before it makes it another token.
  if (request.authorization !== world.keys.lyticsToken || world.settings().lytics.tokenRevoked)
    throw new LyticsFailure(401, 'Not authorized');
  const { name, parts } = routeOf(request.verb, request.path);
  const [first = '', second = ''] = parts;
  if (name === 'entity') return entity(world, request, first, second, twist);
  if (twist?.kind === 'audience_deleted') throw notFound('segment');
  const handler = handlers[name];
  if (!handler) throw notFound('endpoint');
  return handler(world, request, first, twist);
}

/** `twist`: a fault that changes the answer rather than replacing it. */
export function answerLytics(
  world: World,
  request: LyticsRequest,
  twist: FaultAction | undefined,
): LyticsReply {
  try {
    if (twist?.kind === 'lytics_error') {
      const { status, message, retryAfterSeconds } = twist;
      const headers = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
      throw new LyticsFailure(status, message ?? `fault ${status}`, headers);
    }
    return route(world, request, twist);
  } catch (error) {
    if (error instanceof LyticsFailure) return sendFailure(world, request.path, error);
    throw error;
  }
}
