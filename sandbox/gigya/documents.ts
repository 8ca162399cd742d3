/** What a search returns of an account or a Data Store object. */
export type Document = Readonly<Record<string, unknown>>;

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value at a path such as `data.lytics_segments`. */
export function read(document: Document, path: string): unknown {
  let value: unknown = document;
  for (const step of path.split('.')) {
    if (!isRecord(value)) return undefined;
    value = value[step];
  }
  return value;
}

/** Absent, null and an empty array are one thing to Gigya. */
export function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
}

/** Only the selected fields, nested as in the document; a field that the document lacks stays out. */
export function pick(document: Document, fields: readonly string[]): Document {
  const result: Record<string, unknown> = {};
  for (const path of fields) {
    const value = read(document, path);
    if (value === undefined) continue;
    const steps = path.split('.');
    const last = steps.pop() ?? path;
    let target = result;
    for (const step of steps) {
      const inner = target[step];
      const next = isRecord(inner) ? { ...inner } : {};
      target[step] = next;
      target = next;
    }
    target[last] = value;
  }
  return result;
}

export type Order = { field: string; descending: boolean };

export function sort(documents: Document[], orderBy: readonly Order[]): Document[] {
  if (orderBy.length === 0) return documents;
  const rank = (value: unknown) => (typeof value === 'number' ? value : String(value ?? ''));
  return documents.sort((a, b) => {
    for (const { field, descending } of orderBy) {
      const [x, y] = [rank(read(a, field)), rank(read(b, field))];
      if (x === y) continue;
      return x < y !== descending ? -1 : 1;
    }
    return 0;
  });
}
