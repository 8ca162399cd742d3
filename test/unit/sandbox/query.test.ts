import { describe, expect, test } from 'vitest';
import { parseQuery } from '../../../sandbox/gigya/query.ts';
import { type Contains, matches, project, requiredValues } from '../../../sandbox/gigya/queryMatch.ts';

const holds = (condition: string, document: Record<string, unknown>, contains: Contains = 'exact') => {
  const { where } = parseQuery(`SELECT UID FROM accounts WHERE ${condition}`);
  return where !== undefined && matches(document, where, contains);
};

describe('the search language', () => {
  test('reads fields, FROM, ORDER BY, START and LIMIT, keywords in any case', () => {
    const query = parseQuery(
      'select UID, data.lytics_segments from accounts order by created desc, UID start 5 limit 10',
    );
    expect(query).toEqual({
      select: { kind: 'fields', fields: ['UID', 'data.lytics_segments'] },
      from: 'accounts',
      orderBy: [
        { field: 'created', descending: true },
        { field: 'UID', descending: false },
      ],
      start: 5,
      limit: 10,
    });
    expect(parseQuery('SELECT * FROM accounts').select).toEqual({ kind: 'all' });
    expect(parseQuery('SELECT count(*) FROM lytics').select).toEqual({ kind: 'count' });
  });

  test.each([
    ['UID = "a"', { UID: 'a' }, true],
    ['UID = "a\\"b\\\\c"', { UID: 'a"b\\c' }, true],
    ['UID = "\\u0001é"', { UID: '\u0001é' }, true],
    ['UID = "raw\u0001"', { UID: 'raw\u0001' }, true],
    ["UID = 'single \\' \"'", { UID: `single ' "` }, true],
    ['UID != "a"', { UID: 'b' }, true],
    ['UID in ("a", "b")', { UID: 'b' }, true],
    ['UID not in ("a", "b")', { UID: 'b' }, false],
    ['data.n >= 3 and data.n < 5', { data: { n: 4 } }, true],
    ['data.n > 4', { data: { n: 4 } }, false],
    ['data.n > "1"', { data: { n: 4 } }, false],
    ['data.on = true', { data: { on: true } }, true],
    ['data.s contains "vip"', { data: { s: ['a', 'vip'] } }, true],
    ['data.s contains "vip"', { data: { s: ['a', 'vip2'] } }, false],
    ['data.s not contains "vip"', { data: { s: ['a'] } }, true],
    ['data.s not contains "vip"', {}, true],
    ['data.s is null', { data: {} }, true],
    ['data.s is not null', { data: { s: ['a'] } }, true],
    ['not (UID = "a" or UID = "b")', { UID: 'c' }, true],
    ['UID = "a" or UID = "b" and data.n = 1', { UID: 'a' }, true],
    ['(UID = "a" or UID = "b") and data.n = 1', { UID: 'a' }, false],
  ])('%s', (condition, document, expected) => {
    expect(holds(condition, document)).toBe(expected);
  });

  test.each([
    ['data.s contains "vip"', ['vip_gold'], true],
    ['data.s contains "vip"', ['new vip-club'], true],
    ['data.s contains "vip"', ['VIP'], false],
    ['data.s contains "vip"', ['vips'], false],
    ['data.s contains "vip_gold"', ['old_vip_gold_2'], true],
    ['data.s contains "vip_gold"', ['gold_vip', 'vip', 'gold'], false],
    ['data.s contains "日本のお客様"', ['日本のお客様'], true],
    ['data.s contains "🎿"', ['🎿'], true],
  ])('by word: %s in %j is %s', (condition, s, expected) => {
    expect(holds(condition, { data: { s } }, 'words')).toBe(expected);
  });

  test.each([
    "SELECT UID FROM accounts WHERE UID = 'open",
    'SELECT UID FROM accounts WHERE UID = "open',
    'SELECT UID FROM accounts WHERE UID = "bad \\x escape"',
    'SELECT UID FROM accounts WHERE UID in ()',
    'SELECT UID FROM accounts WHERE UID "a"',
    'SELECT UID FROM accounts WHERE UID is 3',
    'SELECT UID FROM accounts LIMIT -1',
    'SELECT UID FROM accounts extra',
    'SELECT FROM accounts',
    'UID = "a"',
  ])('refuses %s', (text) => {
    expect(() => parseQuery(text)).toThrow();
  });

  test('finds the UIDs that a query can match', () => {
    const uids = (condition: string) =>
      requiredValues(parseQuery(`SELECT UID FROM accounts WHERE ${condition}`).where, 'UID');
    expect(uids('data.n = 1 and UID in ("a", "b")')).toEqual(new Set(['a', 'b']));
    expect(uids('UID = "a" or UID = "b"')).toEqual(new Set(['a', 'b']));
    expect(uids('UID = "a" or data.n = 1')).toBeUndefined();
    expect(uids('not UID = "a"')).toBeUndefined();
  });

  test('projects the selected fields only, nested', () => {
    const { select } = parseQuery('SELECT UID, data.a.b, data.c, data.none FROM accounts');
    expect(project({ UID: 'u', data: { a: { b: 1, x: 2 }, c: [3], d: 4 }, profile: {} }, select)).toEqual({
      UID: 'u',
      data: { a: { b: 1 }, c: [3] },
    });
  });
});
