/**
 * A count that another system reports: undefined when it is absent, negative (-1 often means unknown) or not a
 * number. Such a number must not reach a progress bar or a comparison.
 */
export function readCount(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isFinite(number) || number < 0) return undefined;
  return Math.min(Math.floor(number), Number.MAX_SAFE_INTEGER);
}
