import type { WriteDraft } from '../events.ts';
import type { World } from '../world.ts';
import * as accounts from './accounts.ts';
import * as dataStore from './dataStore.ts';
import { type Envelope, failure, GigyaFailure, success } from './envelope.ts';
import { invalid, type Parameters } from './parameters.ts';
import { search } from './search.ts';

type Method = {
  kind: 'call' | 'search';
  writes: boolean;
  run(world: World, parameters: Parameters, draft: WriteDraft): Record<string, unknown>;
};

const reading = (run: Method['run']): Method => ({ kind: 'call', writes: false, run });
const writing = (run: Method['run']): Method => ({ kind: 'call', writes: true, run });

const methods: Record<string, Method> = {
  'accounts.getAccountInfo': reading(accounts.getAccountInfo),
  'accounts.setAccountInfo': writing(accounts.setAccountInfo),
  'accounts.getSchema': reading(accounts.getSchema),
  'accounts.setSchema': writing(accounts.setSchema),
  'accounts.search': {
    kind: 'search',
    writes: false,
    run: (world, parameters) => search(world, parameters, 'accounts'),
  },
  'ds.get': reading(dataStore.get),
  'ds.store': writing(dataStore.store),
  'ds.delete': writing(dataStore.remove),
  'ds.getSchema': reading(dataStore.getSchema),
  'ds.setSchema': writing(dataStore.setSchema),
  'ds.search': { kind: 'search', writes: false, run: (world, parameters) => search(world, parameters, 'ds') },
};

export type GigyaRequest = {
  verb: string;
  method: string;
  parameters: Parameters;
  authorization: string | undefined;
  url: string;
  /** How many requests for this UID were under way when this one came, itself among them. */
  underWay: number;
};

export type GigyaReply = {
  httpStatus: number;
  headers: Record<string, string>;
  errorCode: number;
  body: string;
};

const methodOf = (name: string): Method | undefined =>
  Object.hasOwn(methods, name) ? methods[name] : undefined;

export const kindOf = (name: string): string => methodOf(name)?.kind ?? 'unknown';

/** The clock that requests are judged by, and that `Date` and `time` tell. */
const gigyaNow = (world: World) => world.now() + world.settings().gigya.clockSkewSeconds * 1000;

function check(world: World, request: GigyaRequest, method: Method | undefined): Method {
  const settings = world.settings().gigya;
  if (request.verb !== 'POST') throw new GigyaFailure(405001, 'Only POST is supported');
  if (!method) throw new GigyaFailure(405001, `Unknown method: ${request.method}`);
  if (settings.wrongDataCenter !== null)
    throw new GigyaFailure(301001, undefined, { apiDomain: settings.wrongDataCenter });
  world.authenticate(request, settings, gigyaNow(world));
  const format = request.parameters.get('format') ?? 'json';
  if (format !== 'json') throw invalid('format');
  if (settings.deniedMethods.includes(request.method)) throw new GigyaFailure(403007);
  if (request.method.startsWith('ds.') && settings.dataStore !== 'on')
    throw new GigyaFailure(settings.dataStore);
  world.quota(method.kind, settings, world.now());
  if (request.underWay > settings.maxInFlightPerUid) throw new GigyaFailure(409030);
  return method;
}

/** Parsed where it is JSON, so that the journal can be compared with. */
function journaled(text: string | undefined): unknown {
  if (text === undefined) return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function draftOf({ method, parameters }: GigyaRequest, callId: string): WriteDraft {
  return {
    method,
    uid: parameters.get('UID') ?? null,
    type: parameters.get('type') ?? null,
    oid: parameters.get('oid') ?? null,
    data: journaled(parameters.get('data') ?? parameters.get('dataSchema') ?? parameters.get('schema')),
    errorCode: 0,
    callId,
  };
}

function reply(world: World, request: GigyaRequest, envelope: Envelope): GigyaReply {
  return {
    // 200 even for an error, unless asked otherwise.
    httpStatus: request.parameters.get('httpStatusCodes') === 'true' ? envelope.status : 200,
    headers: { date: new Date(gigyaNow(world)).toUTCString() },
    errorCode: envelope.errorCode,
    body: JSON.stringify(envelope.body),
  };
}

/** `instead`: the failure a fault puts in the place of an answer; the method has run all the same where it `applied`. */
export function answer(
  world: World,
  request: GigyaRequest,
  instead?: { failure: GigyaFailure; applied: boolean },
): GigyaReply {
  const callId = world.random.hex(32);
  const known = methodOf(request.method);
  const draft = draftOf(request, callId);
  try {
    if (instead && !instead.applied) throw instead.failure;
    const body = check(world, request, known).run(world, request.parameters, draft);
    if (known?.writes) world.flush();
    if (instead) return reply(world, request, failure(callId, gigyaNow(world), instead.failure));
    return reply(world, request, success(callId, gigyaNow(world), body));
  } catch (error) {
    if (!(error instanceof GigyaFailure)) throw error;
    if (known?.writes) world.commit({ type: 'refused', draft: { ...draft, errorCode: error.code } });
    return reply(world, request, failure(callId, gigyaNow(world), error));
  }
}
