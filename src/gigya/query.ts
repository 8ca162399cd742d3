/** UIDs a search, the size that SAP's own look-ups use. */
const UIDS_PER_SEARCH = 200;
/** A query that is too long answers 500001; 200 UIDs of Gigya's own making are 7,000 characters. */
const QUERY_LENGTH = 8_000;
/** Longer than any UID, so that a single text makes no query too long. */
const TEXT_LENGTH = 1_000;

/**
 * Whether a text may stand in a query. The language puts texts in double quotes, and how it escapes
 * is documented nowhere: what could end the quotes, or be read in another way, is kept out of it.
 */
export function isQueryable(text: string): boolean {
  return text !== '' && text.length <= TEXT_LENGTH && !/["\\\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u.test(text);
}

/** @throws {RangeError} when the text may not stand in a query. */
export function quote(text: string): string {
  if (!isQueryable(text)) throw new RangeError('This text cannot be put into a Gigya query');
  return `"${text}"`;
}

/** Queries that look up these UIDs, each small enough for Gigya. Leaves out those that are not queryable. */
export function lookUpQueries(
  uids: readonly string[],
  fields: string,
  source: string,
  condition = '',
): string[] {
  const queries: string[] = [];
  let batch: string[] = [];
  let length = 0;
  const flush = () => {
    if (batch.length === 0) return;
    queries.push(
      `SELECT ${fields} FROM ${source} WHERE UID in (${batch.join(',')})${condition} LIMIT ${batch.length}`,
    );
    batch = [];
    length = 0;
  };
  for (const uid of uids.filter(isQueryable)) {
    const quoted = quote(uid);
    if (batch.length === UIDS_PER_SEARCH || length + quoted.length > QUERY_LENGTH) flush();
    batch.push(quoted);
    length += quoted.length + 1;
  }
  flush();
  return queries;
}
