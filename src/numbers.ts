/**
 * A count that another system reports: undefined when it is absent, negative (-1 often means unknown) or not a
 * number. Such a number must not reach a progress bar or a comparison.
 */
export function readCount(value: unknown): number | undefined {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isFinite(number) || number < 0) return undefined;
  return Math.min(Math.floor(number), Number.MAX_SAFE_INTEGER);
}

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** A number, or one that came as text; undefined for anything else, and for whole numbers that lost digits on the way. */
export function readNumber(value: unknown): number | undefined {
  const isText = typeof value === 'string' && DECIMAL.test(value.trim());
  const number = isText ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isFinite(number)) return undefined;
  return Number.isInteger(number) && !Number.isSafeInteger(number) ? undefined : number;
}
