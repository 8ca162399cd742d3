import { expect, test } from 'vitest';
import { parseFilter } from '../../../sandbox/lytics/filterql.ts';
import { runFilter } from '../../../sandbox/lytics/filterqlRun.ts';
import { LyticsState } from '../../../sandbox/lytics/state.ts';

function some() {
  const state = new LyticsState();
  for (const slug of ['vip', 'gold'])
    state.putAudience({
      id: `id_${slug}`,
      slug,
      name: slug,
      publicName: slug,
      isPublic: true,
      kind: 'segment',
    });
  state.putRow({ key: 1, fields: { uid: 'a' }, audiences: ['id_vip'] });
  state.putRow({ key: 2, fields: { uid: ['b', 'c'] }, audiences: ['id_vip', 'id_gold'] });
  state.putRow({ key: 3, fields: { uid: 7 }, audiences: ['id_gold'] });
  state.putRow({ key: 4, fields: { uid: 'q"\\' }, audiences: [] });
  return state;
}

test.each([
  ['FILTER * FROM user', [1, 2, 3, 4]],
  ['FILTER INCLUDE vip FROM user', [1, 2]],
  ['FILTER INCLUDE id_gold', [2, 3]],
  ['FILTER AND (INCLUDE vip, uid IN ("a", "b", "7")) FROM user', [1, 2]],
  ['FILTER OR (INCLUDE gold, uid = "a")', [2, 3, 1]],
  ['FILTER NOT INCLUDE vip', [3, 4]],
  ['FILTER AND (INCLUDE gold, NOT INCLUDE vip)', [3]],
  ['FILTER INCLUDE vip AND uid = "c"', [2]],
  ['FILTER uid NOT IN ("a")', [2, 3, 4]],
  ['FILTER `uid` = "q\\"\\\\"', [4]],
  ['FILTER uid = 7', [3]],
  ['FILTER uid == "a"', [1]],
  ['FILTER OR (AND (INCLUDE vip, NOT INCLUDE gold), NOT OR (INCLUDE vip, INCLUDE gold)) FROM user', [1, 4]],
  ['FILTER NOT (uid IN ("a", "b")) FROM user', [3, 4]],
  ['FILTER EXISTS uid', [1, 2, 3, 4]],
])('%s', (text, keys) => {
  expect(new Set(runFilter(some(), parseFilter(text)))).toEqual(new Set(keys));
});

test.each([
  'INCLUDE vip',
  'FILTER',
  'FILTER AND INCLUDE vip',
  'FILTER uid "a"',
  'FILTER INCLUDE vip FROM content',
  '{"q":1}',
])('refuses %s', (text) => {
  expect(() => parseFilter(text)).toThrow();
});

test('refuses an audience that does not exist', () => {
  expect(() => runFilter(some(), parseFilter('FILTER INCLUDE nobody'))).toThrow('nobody');
});
