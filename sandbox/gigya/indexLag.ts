import type { Document } from './documents.ts';

/**
 * What a search sees: the documents as they were `lagMs` ago. Consistent reads (getAccountInfo, ds.get) do not
 * use it.
 */
export type LaggingIndex = {
  /** In insertion order, caught up to now. */
  documents(): ReadonlyMap<string, Document>;
  /** Keys of the documents whose `field` (one of those indexed) has the value. */
  lookup(field: string, value: string): Iterable<string>;
  indexes(field: string): boolean;
  write(key: string, document: Document | null): void;
  /** Visible at once: for what existed before the sandbox started. */
  seed(key: string, document: Document): void;
  waiting(): number;
};

const none: ReadonlySet<string> = new Set();

export function createLaggingIndex(
  now: () => number,
  lagMs: () => number,
  fields: readonly string[],
): LaggingIndex {
  const documents = new Map<string, Document>();
  const lookups = new Map(fields.map((field) => [field, new Map<string, Set<string>>()]));
  let queue: { at: number; key: string; document: Document | null }[] = [];
  let head = 0;

  const put = (key: string, document: Document | null) => {
    const before = documents.get(key);
    for (const [field, lookup] of lookups) {
      const [was, is] = [before?.[field], document?.[field]];
      if (was === is) continue;
      if (typeof was === 'string') lookup.get(was)?.delete(key);
      if (typeof is !== 'string') continue;
      const keys = lookup.get(is);
      if (keys) keys.add(key);
      else lookup.set(is, new Set([key]));
    }
    if (document) documents.set(key, document);
    else documents.delete(key);
  };

  const catchUp = () => {
    const until = now() - lagMs();
    for (let next = queue[head]; next && next.at <= until; next = queue[head]) {
      put(next.key, next.document);
      head++;
    }
    if (head > 10_000 || head === queue.length) {
      queue = queue.slice(head);
      head = 0;
    }
  };

  return {
    documents: () => {
      catchUp();
      return documents;
    },
    lookup: (field, value) => {
      catchUp();
      return lookups.get(field)?.get(value) ?? none;
    },
    indexes: (field) => lookups.has(field),
    write: (key, document) => {
      queue.push({ at: now(), key, document });
    },
    seed: put,
    waiting: () => {
      catchUp();
      return queue.length - head;
    },
  };
}
