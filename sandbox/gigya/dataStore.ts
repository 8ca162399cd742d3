import type { WriteDraft } from '../events.ts';
import type { World } from '../world.ts';
import { GigyaFailure } from './envelope.ts';
import { invalid, object, type Parameters, required } from './parameters.ts';
import { read } from './query.ts';
import { mergeSchema, problemsOf, refuse } from './schema.ts';
import { objectKey, type StoredObject, type UpdateBehavior } from './state.ts';

type Answer = Record<string, unknown>;

const maxBytes = 512 * 1024;
const behaviors: readonly UpdateBehavior[] = ['arrayPush', 'arraySet', 'replace'];

function typeOf(parameters: Parameters): string {
  const type = required(parameters, 'type');
  if (!/^[A-Za-z]\w*$/.test(type)) throw invalid('type');
  return type;
}

function stored(world: World, parameters: Parameters): StoredObject {
  const type = typeOf(parameters);
  const object = world
    .store(type)
    .objects.get(objectKey(parameters.get('UID') ?? '', required(parameters, 'oid')));
  if (object) return object;
  throw new GigyaFailure(404003, 'Object not found');
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
  const { dataStoreUnknownUid, undeclaredField, echoUid } = world.settings().gigya;
  if (uid && dataStoreUnknownUid === 'refuse' && !world.gigya.accounts.has(uid))
    throw new GigyaFailure(403005, echoUid ? `Unauthorized user: ${uid}` : undefined);
  refuse(problemsOf(world.store(type).schema, data, 'fixed-suffixes'), undeclaredField);
  const oid = sent === 'auto' ? world.random.hex(32) : sent;
  world.commit({ type: 'object.write', draft: { ...draft, oid }, store: type, uid, oid, data, behavior });
  return { oid };
}

export function get(world: World, parameters: Parameters): Answer {
  const { UID, ...object } = stored(world, parameters);
  const fields = (parameters.get('fields') ?? '*').split(',').map((field) => field.trim());
  const data = fields.includes('*')
    ? object.data
    : Object.fromEntries(
        fields.flatMap((field) => {
          const name = field.replace(/^data\./, '');
          const value = read(object.data, name);
          return value === undefined ? [] : [[name, value]];
        }),
      );
  return { ...object, ...(UID && { UID }), data };
}

export function remove(world: World, parameters: Parameters, draft: WriteDraft): Answer {
  const { UID, oid } = stored(world, parameters);
  world.commit({ type: 'object.remove', draft, store: typeOf(parameters), uid: UID, oid });
  return {};
}

export function getSchema(world: World, parameters: Parameters): Answer {
  return { schema: world.store(typeOf(parameters)).schema };
}

export function setSchema(world: World, parameters: Parameters, draft: WriteDraft): Answer {
  const type = typeOf(parameters);
  const sent = object(parameters, 'schema');
  if (!sent) throw new GigyaFailure(400002, 'Missing required parameter: schema');
  const of = world.store(type);
  const holds = (field: string) => {
    for (const { data } of of.objects.values()) {
      const value = read(data, field);
      if (value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0)) return true;
    }
    return false;
  };
  world.commit({ type: 'schema', draft, of: { store: type }, schema: mergeSchema(of.schema, sent, holds) });
  return {};
}
