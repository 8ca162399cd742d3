import { describe, expect, it } from 'vitest';
import { createLookUpSize } from '../../src/gigya/lookUpSize.ts';
import { fc } from '../support/property.ts';

const sizeOf = ({ uids, characters }: { uids: number; characters: number }) => [uids, characters];

describe('the size of a look-up', () => {
  it("starts with the size of SAP's own look-ups", () => {
    expect(sizeOf(createLookUpSize())).toEqual([200, 8_000]);
  });

  it('doubles with each full query that is accepted, up to the size that SAP tested', () => {
    const size = createLookUpSize();
    const sizes = [1, 2, 3, 4].map(() => {
      size.accepted(size.uids, size.characters);
      return sizeOf(size);
    });
    expect(sizes).toEqual([
      [400, 16_000],
      [800, 30_000],
      [900, 30_000],
      [900, 30_000],
    ]);
  });

  it('does not grow after queries that are not full', () => {
    const size = createLookUpSize();
    for (let n = 0; n < 50; n++) size.accepted(150, 5_000);
    expect(sizeOf(size)).toEqual([200, 8_000]);
  });

  it.each([
    ['UIDs', 200, 100],
    ['characters', 20, 7_900],
  ])('grows after a query that is full of %s only', (_what, uids, characters) => {
    const size = createLookUpSize();
    size.accepted(uids, characters);
    expect(sizeOf(size)).toEqual([400, 16_000]);
  });

  it('shrinks to two thirds of the refused size, and does not grow beyond it', () => {
    const size = createLookUpSize();
    size.refused(200, 6_600);
    expect(sizeOf(size)).toEqual([133, 4_400]);
    for (let n = 0; n < 50; n++) size.accepted(size.uids, size.characters);
    expect(sizeOf(size)).toEqual([133, 4_400]);
  });

  it('grows again after a hundred full queries, because the refusal may have had another reason', () => {
    const size = createLookUpSize();
    size.refused(200, 6_600);
    for (let n = 0; n < 100; n++) size.accepted(size.uids, size.characters);
    expect(sizeOf(size)).toEqual([166, 5_500]);
    for (let n = 0; n < 2_000; n++) size.accepted(size.uids, size.characters);
    expect(sizeOf(size)).toEqual([900, 30_000]);
  });

  it('is always between one UID and the size that SAP tested', () => {
    const steps = fc.array(fc.tuple(fc.boolean(), fc.nat(2_000), fc.nat(60_000)), { maxLength: 300 });
    fc.assert(
      fc.property(steps, (all) => {
        const size = createLookUpSize();
        for (const [isAccepted, uids, characters] of all) {
          if (isAccepted) size.accepted(uids, characters);
          else size.refused(uids, characters);
          expect(size.uids).toBeGreaterThanOrEqual(1);
          expect(size.uids).toBeLessThanOrEqual(900);
          expect(size.characters).toBeGreaterThanOrEqual(1);
          expect(size.characters).toBeLessThanOrEqual(30_000);
          expect(Number.isInteger(size.uids) && Number.isInteger(size.characters)).toBe(true);
        }
      }),
    );
  });
});
