/** A set of positions as one bit each, in base64. */
export function bitsOf(positions: Iterable<number>): string {
  const all = [...positions];
  const last = all.reduce((most, position) => Math.max(most, position), -1);
  const bytes = Buffer.alloc(Math.ceil((last + 1) / 8));
  for (const position of all) bytes[position >> 3] = (bytes[position >> 3] ?? 0) | (1 << (position & 7));
  return bytes.toString('base64');
}

export function positionsIn(bits: string): number[] {
  const bytes = Buffer.from(bits, 'base64');
  return Array.from({ length: bytes.length * 8 }, (_, position) => position).filter(
    (position) => ((bytes[position >> 3] ?? 0) >> (position & 7)) & 1,
  );
}
