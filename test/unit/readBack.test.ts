import { describe, expect, it } from 'vitest';
import { readBack } from '../../src/activities/readBack.ts';
import type { Data, Held } from '../../src/record.ts';

/** What is marked as read back, when Gigya holds this after a record with mapped fields was written. */
async function marksOf(after: Held, before: Held = {}): Promise<string[]> {
  const data: Data = {
    lytics_segments: ['vip'],
    lytics_affinities: ['Hats', 'Shoes'],
    lytics_momentum: 40,
    lytics_country: null,
  };
  const marks: string[] = [];
  const checkpoint = { markReadBack: (what: string) => void marks.push(what) };
  await readBack({ read: async () => after }, { uid: 'u', data }, before, checkpoint, {});
  return marks;
}

const written = {
  lytics_segments: ['vip'],
  lytics_affinities: ['Shoes', 'Hats'],
  lytics_momentum: '40',
};

describe('a record that is read back', () => {
  it('covers every mapped field, equal by the type of its value', async () => {
    expect(await marksOf(written)).toEqual(['write']);
    expect(await marksOf(written, { lytics_affinities: ['Bags'] })).toEqual(['write', 'replacement']);
  });

  it.each<[field: string, held: unknown, kept: string]>([
    ['lytics_affinities', ['Bags', 'Hats', 'Shoes'], 'Gigya returned 3 values in data.lytics_affinities'],
    ['lytics_momentum', 41, 'Gigya returned a value in data.lytics_momentum after writing a value'],
    ['lytics_country', 'AT', 'Gigya returned a value in data.lytics_country'],
  ])('stops the run when %s holds something else', async (field, held, kept) => {
    await expect(marksOf({ ...written, [field]: held })).rejects.toThrow(kept);
  });
});
