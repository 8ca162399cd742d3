/** mulberry32: small, fast, and the same on every machine, so that a seed names a population. */
export type Random = {
  /** In [0, 1). */
  next(): number;
  /** An integer in [0, below). */
  int(below: number): number;
  pick<T>(list: readonly [T, ...T[]]): T;
  /** Up to `count` different elements, in random order. */
  sample<T>(list: readonly T[], count: number): T[];
  hex(digits: number): string;
  bytes(count: number): Buffer;
};

export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const int = (below: number) => Math.floor(next() * below);
  return {
    next,
    int,
    pick: (list) => list[int(list.length)] ?? list[0],
    sample: (list, count) => {
      const pool = [...list];
      const taken = Math.min(count, pool.length);
      for (let i = 0; i < taken; i++) {
        const j = i + int(pool.length - i);
        const [a, b] = [pool[i], pool[j]];
        if (a !== undefined && b !== undefined) {
          pool[i] = b;
          pool[j] = a;
        }
      }
      return pool.slice(0, taken);
    },
    hex: (digits) => {
      let text = '';
      while (text.length < digits) text += int(0x10000).toString(16).padStart(4, '0');
      return text.slice(0, digits);
    },
    bytes: (count) => Buffer.from(Array.from({ length: count }, () => int(256))),
  };
}

/** FNV-1a, 32 bits: stable splits and draws that need no state. */
export function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    h ^= text.charCodeAt(i);
    h = Math.imul(h, 0x01000193);
  }
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  return h >>> 0;
}
