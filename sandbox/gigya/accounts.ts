import type { WriteDraft } from '../events.ts';
import type { World } from '../world.ts';
import { GigyaFailure } from './envelope.ts';
import { invalid, object, type Parameters, required } from './parameters.ts';
import { isRecord, read } from './query.ts';
import { mergeSchema, problemsOf, refuse, type Schema } from './schema.ts';

type Answer = Record<string, unknown>;

function known(world: World, uid: string) {
  const account = world.gigya.accounts.get(uid);
  if (account) return account;
  throw new GigyaFailure(403005, world.settings().gigya.echoUid ? `Unauthorized user: ${uid}` : undefined);
}

export function setAccountInfo(world: World, parameters: Parameters, draft: WriteDraft): Answer {
  const uid = required(parameters, 'UID');
  const data = object(parameters, 'data');
  const profile = object(parameters, 'profile');
  known(world, uid);
  const { undeclaredField } = world.settings().gigya;
  if (data) refuse(problemsOf(world.gigya.dataSchema, data, 'free'), undeclaredField);
  if (profile) refuse(problemsOf(world.gigya.profileSchema, profile, 'free'), undeclaredField);
  world.commit({ type: 'account.write', draft, uid, ...(data && { data }), ...(profile && { profile }) });
  return {};
}

/** Without `include` only what is neither profile nor data: the documents promise `data` for `include=data` alone. */
export function getAccountInfo(world: World, parameters: Parameters): Answer {
  const account = known(world, required(parameters, 'UID'));
  const include = new Set((parameters.get('include') ?? 'profile').split(',').map((part) => part.trim()));
  const { data, profile, ...rest } = account;
  return { ...rest, ...(include.has('profile') && { profile }), ...(include.has('data') && { data }) };
}

export function getSchema(world: World): Answer {
  return { profileSchema: world.gigya.profileSchema, dataSchema: world.gigya.dataSchema };
}

export function setSchema(world: World, parameters: Parameters, draft: WriteDraft): Answer {
  const [data, profile] = [object(parameters, 'dataSchema'), object(parameters, 'profileSchema')];
  if (!data && !profile) throw new GigyaFailure(400002, 'Missing required parameter: dataSchema');
  const holds = (part: 'data' | 'profile') => (field: string) => {
    for (const account of world.gigya.accounts.values()) {
      const value = read(account, `${part}.${field}`);
      if (value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0)) return true;
    }
    return false;
  };
  const changes: { of: 'data' | 'profile'; schema: Schema }[] = [];
  if (data) changes.push({ of: 'data', schema: mergeSchema(world.gigya.dataSchema, data, holds('data')) });
  if (profile) {
    if (isRecord(profile.fields) && Object.values(profile.fields).some((field) => field === null))
      throw invalid('profileSchema', 'profile fields cannot be removed');
    changes.push({
      of: 'profile',
      schema: mergeSchema(world.gigya.profileSchema, profile, holds('profile')),
    });
  }
  for (const change of changes) world.commit({ type: 'schema', draft, ...change });
  return {};
}
