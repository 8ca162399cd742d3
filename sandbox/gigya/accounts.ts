import type { WriteDraft } from '../events.ts';
import type { World } from '../world.ts';
import { isEmpty, isRecord, read } from './documents.ts';
import { GigyaFailure } from './envelope.ts';
import { fullAccount } from './lite.ts';
import { invalid, object, type Parameters, required } from './parameters.ts';
import { mergeSchema, problemsOf, refuse, type Schema } from './schema.ts';
import { type Account, changesAccount } from './state.ts';
import { sendAccountUpdated } from './webhooks.ts';

type Answer = Record<string, unknown>;

export function unknownUid(world: World, uid: string): GigyaFailure {
  return new GigyaFailure(403005, world.settings().gigya.echoUid ? `Unauthorized user: ${uid}` : undefined);
}

function known(world: World, uid: string): Account {
  const account = fullAccount(world, uid);
  if (account) return account;
  throw unknownUid(world, uid);
}

export function setAccountInfo(world: World, parameters: Parameters, draft: WriteDraft): Answer {
  const uid = required(parameters, 'UID');
  const data = object(parameters, 'data');
  const profile = object(parameters, 'profile');
  const before = known(world, uid);
  const { undeclaredField, redundantWrite } = world.settings().gigya;
  if (data) refuse(problemsOf(world.gigya.dataSchema, data, 'free'), undeclaredField);
  if (profile) refuse(problemsOf(world.gigya.profileSchema, profile, 'free'), undeclaredField);
  if (redundantWrite !== 'accept' && !changesAccount(before, world.settings(), data, profile))
    throw new GigyaFailure(redundantWrite);
  world.commit({ type: 'account.write', draft, uid, ...(data && { data }), ...(profile && { profile }) });
  if (parameters.get('muteWebhooks') === 'true') world.stats.webhook('muted');
  else sendAccountUpdated(world, uid, draft.callId);
  return {};
}

/** SAP's default for `include` is `profile,data`. */
export function getAccountInfo(world: World, parameters: Parameters): Answer {
  const account = known(world, required(parameters, 'UID'));
  const wanted = parameters.get('include') || 'profile,data';
  const include = new Set(wanted.split(',').map((part) => part.trim()));
  const { data, profile, ...rest } = account;
  return { ...rest, ...(include.has('profile') && { profile }), ...(include.has('data') && { data }) };
}

export function getSchema(world: World): Answer {
  return { profileSchema: world.gigya.profileSchema, dataSchema: world.gigya.dataSchema };
}

export function setSchema(world: World, parameters: Parameters, draft: WriteDraft): Answer {
  const [data, profile] = [object(parameters, 'dataSchema'), object(parameters, 'profileSchema')];
  if (!data && !profile) throw new GigyaFailure(400002, 'Missing required parameter: dataSchema');
  const holds = (part: 'data' | 'profile') => (field: string) =>
    [...world.gigya.accounts.values()].some((account) => !isEmpty(read(account, `${part}.${field}`)));
  const changes: { of: 'data' | 'profile'; schema: Schema }[] = [];
  if (data) changes.push({ of: 'data', schema: mergeSchema(world.gigya.dataSchema, data, holds('data')) });
  if (profile) {
    if (isRecord(profile.fields) && Object.values(profile.fields).some((field) => field === null))
      throw invalid('profileSchema', 'profile fields cannot be removed');
    const schema = mergeSchema(world.gigya.profileSchema, profile, holds('profile'));
    changes.push({ of: 'profile', schema });
  }
  for (const change of changes) world.commit({ type: 'schema', draft, ...change });
  return {};
}
