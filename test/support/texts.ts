/** All strings in a value, at any depth, including histories, payloads and failures, whose bytes are decoded. */
export function textsIn(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString();
  if (Array.isArray(value)) return value.map(textsIn).join('\n');
  if (value instanceof Map) return textsIn([...value]);
  if (typeof value === 'object' && value !== null) return textsIn(Object.entries(value));
  return String(value);
}
