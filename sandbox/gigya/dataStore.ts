import type { WriteDraft } from '../events.ts';
import type { World } from '../world.ts';
import { unknownUid } from './accounts.ts';
import { isEmpty, pick, read } from './documents.ts';
import { GigyaFailure } from './envelope.ts';
import { fullAccount } from './lite.ts';
import { invalid, object, type Parameters, required } from './parameters.ts';
import { mergeSchema, problemsOf, refuse } from './schema.ts';
import { changesObject, objectKey, type StoredObject, type UpdateBehavior } from './state.ts';

type Answer = Record<string, unknown>;

const maxBytes = 512 * 1024;
const behaviors: readonly UpdateBehavior[] = ['arrayPush', 'arraySet', 'replace'];

function typeOf(parameters: Parameters): string {
  const type = required(parameters, 'type');
  if (!/^[A-Za-z]\w*$/.test(type)) throw invalid('type');
  return type;
}

/** Undefined where a missing object is a success without data. */
function stored(world: World, parameters: Parameters): StoredObject | undefined {
  const type = typeOf(parameters);
  const key = objectKey(parameters.get('UID') ?? '', required(parameters, 'oid'));
  const found = world.store(type).objects.get(key);
  const { missingObject } = world.settings().gigya;
  if (!found && missingObject !== 'empty') throw new GigyaFailure(missingObject, 'Object not found');
  return found;
}

export function store(world: World, parameters: Parameters, draft: WriteDraft): Answer {
  const type = typeOf(parameters);
  const sent = required(parameters, 'oid');
  const uid = parameters.get('UID') ?? '';
  const data = object(parameters, 'data');
  if (!data) throw new GigyaFailure(400002, 'Missing required parameter: data');
  if (Buffer.byteLength(parameters.get('data') ?? '') > maxBytes) throw new GigyaFailure(413003);
  const wanted = parameters.get('updateBehavior') ?? 'arrayPush';
  const behavior = behaviors.find((one) => one === wanted);
  if (!behavior) throw invalid('updateBehavior');
  const { dataStoreUnknownUid, undeclaredField, redundantWrite } = world.settings().gigya;
  if (uid && dataStoreUnknownUid === 'refuse' && !fullAccount(world, uid)) throw unknownUid(world, uid);
  refuse(problemsOf(world.store(type).schema, data, 'fixed-suffixes'), undeclaredField);
  const oid = sent === 'auto' ? world.random.hex(32) : sent;
  const write = { uid, oid, data, behavior };
  if (redundantWrite !== 'accept' && !changesObject(world.store(type), write))
    throw new GigyaFailure(redundantWrite);
  world.commit({ type: 'object.write', draft: { ...draft, oid }, store: type, ...write });
  return { oid };
}

export function get(world: World, parameters: Parameters): Answer {
  const found = stored(world, parameters);
  if (!found) return {};
  const { UID, ...rest } = found;
  const fields = (parameters.get('fields') ?? '*').split(',').map((field) => field.trim());
  const data = fields.includes('*')
    ? found.data
    : pick(
        found.data,
        fields.map((field) => field.replace(/^data\./, '')),
      );
  return { ...rest, ...(UID && { UID }), data };
}

export function remove(world: World, parameters: Parameters, draft: WriteDraft): Answer {
  const found = stored(world, parameters);
  if (!found) return {};
  const { UID: uid, oid } = found;
  world.commit({ type: 'object.remove', draft, store: typeOf(parameters), uid, oid });
  return {};
}

export function getSchema(world: World, parameters: Parameters): Answer {
  return { schema: world.store(typeOf(parameters)).schema };
}

export function setSchema(world: World, parameters: Parameters, draft: WriteDraft): Answer {
  const type = typeOf(parameters);
  const sent = object(parameters, 'dataSchema');
  if (!sent) throw new GigyaFailure(400002, 'Missing required parameter: dataSchema');
  const of = world.store(type);
  const holds = (field: string) => [...of.objects.values()].some(({ data }) => !isEmpty(read(data, field)));
  world.commit({ type: 'schema', draft, of: { store: type }, schema: mergeSchema(of.schema, sent, holds) });
  return {};
}
