import type { WriteDraft } from '../events.ts';
import type { World } from '../world.ts';
import { type Envelope, failure, GigyaFailure, success, withNulls } from './envelope.ts';
import { ignoredParams, sortParameters } from './knownParameters.ts';
import { type Method, methodOf } from './methods.ts';
import { invalid, type Parameters } from './parameters.ts';

export type GigyaRequest = {
  verb: string;
  method: string;
  /** Under the names they came with. */
  sent: Parameters;
  authorization: string | undefined;
  url: string;
  /** Requests for this UID in flight when this one arrived, including it. */
  underWay: number;
};

export type GigyaReply = {
  httpStatus: number;
  headers: Record<string, string>;
  errorCode: number;
  body: string;
};

/** A request that has been read: its parameters under their documented names. */
type Call = {
  callId: string;
  method: Method | undefined;
  parameters: Parameters;
  ignored: string[];
  draft: WriteDraft;
};

/** A write that ignores one of these does not happen. */
const essential = ['data', 'dataSchema', 'UID', 'type', 'oid', 'updateBehavior'].map((name) =>
  name.toLowerCase(),
);

/** The clock for checking requests, which `Date` and `time` show. */
const gigyaNow = (world: World) => world.now() + world.settings().gigya.clockSkewSeconds * 1000;

function read(world: World, { method: called, sent }: GigyaRequest): Call {
  const callId = world.random.hex(32);
  const method = methodOf(called);
  const withoutRight = method?.writes ? world.settings().gigya.ignoredParameters : [];
  const { parameters, ignored } = sortParameters(method?.name ?? called, sent, withoutRight);
  // The journal shows what was sent, ignored or not.
  const all = ignored.length > 0 ? sortParameters(method?.name ?? called, sent, []).parameters : parameters;
  const draft = {
    method: called,
    uid: all.get('UID') ?? null,
    type: all.get('type') ?? null,
    oid: all.get('oid') ?? null,
    data: journaled(all.get('data') ?? all.get('dataSchema')),
    errorCode: 0,
    callId,
  };
  return { callId, method, parameters, ignored, draft };
}

/** Parsed where it is JSON, so that it can be compared with the journal. */
function journaled(text: string | undefined): unknown {
  if (text === undefined) return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function isDenied(called: string, denied: readonly string[]): boolean {
  return denied.some((one) => (one.endsWith('.*') ? called.startsWith(one.slice(0, -1)) : called === one));
}

function check(world: World, request: GigyaRequest, { method, parameters, ignored }: Call): Method {
  const settings = world.settings().gigya;
  if (request.verb !== 'POST') throw new GigyaFailure(405001, 'Only POST is supported');
  if (!method) throw new GigyaFailure(405001, `Unknown method: ${request.method}`);
  if (settings.wrongDataCenter !== null)
    throw new GigyaFailure(301001, undefined, { apiDomain: settings.wrongDataCenter });
  const anonymous = method.anonymous && settings.anonymousSchema;
  world.authenticate({ ...request, parameters, anonymous }, settings, gigyaNow(world));
  if ((parameters.get('format') ?? 'json') !== 'json') throw invalid('format');
  if (isDenied(request.method, settings.deniedMethods)) throw new GigyaFailure(403007);
  if (parameters.get('checkParams') === 'true' && ignored.length > 0)
    throw new GigyaFailure(settings.checkParamsError, `Unrecognized parameters: ${ignored.join(', ')}`);
  if (method.name.startsWith('ds.') && settings.dataStore !== 'on')
    throw new GigyaFailure(settings.dataStore);
  world.quota(method.kind, settings, world.now());
  if (request.underWay > settings.maxInFlightPerUid) throw new GigyaFailure(409030);
  return method;
}

function run(world: World, method: Method, { parameters, ignored, draft }: Call): Record<string, unknown> {
  if (method.writes && ignored.some((name) => essential.includes(name.toLowerCase()))) {
    world.commit({ type: 'refused', draft });
    return {};
  }
  const body = method.run(world, parameters, draft);
  if (method.writes) world.flush();
  return body;
}

function reply(world: World, { method, parameters, ignored }: Call, envelope: Envelope): GigyaReply {
  const told = ignored.length > 0 ? { ignoredParams: ignoredParams(ignored) } : {};
  const body = { ...envelope.body, ...told };
  const nulls = world.settings().gigya.optionalKeys === 'null';
  return {
    // 200 even for an error, unless asked otherwise.
    httpStatus: parameters.get('httpStatusCodes') === 'true' ? envelope.status : 200,
    headers: { date: new Date(gigyaNow(world)).toUTCString() },
    errorCode: envelope.errorCode,
    body: JSON.stringify(nulls ? withNulls(body, method?.kind === 'search') : body),
  };
}

/** `instead`: the failure that a fault rule replies with; with `applied` the method has run nevertheless. */
export function answer(
  world: World,
  request: GigyaRequest,
  instead?: { failure: GigyaFailure; applied: boolean },
): GigyaReply {
  const call = read(world, request);
  const { callId, method, draft } = call;
  try {
    if (instead && !instead.applied) throw instead.failure;
    const body = run(world, check(world, request, call), call);
    if (instead) return reply(world, call, failure(callId, gigyaNow(world), instead.failure));
    return reply(world, call, success(callId, gigyaNow(world), body));
  } catch (error) {
    if (!(error instanceof GigyaFailure)) throw error;
    if (method?.writes) world.commit({ type: 'refused', draft: { ...draft, errorCode: error.code } });
    return reply(world, call, failure(callId, gigyaNow(world), error));
  }
}
