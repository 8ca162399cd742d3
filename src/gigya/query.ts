/** Longer than any UID, so that one value cannot make a query too long. */
const LONGEST_TEXT = 1_000;

/**
 * Whether a text may be part of a query. Texts are put in double quotes, and how to escape inside them is
 * not documented: texts that could end the quotes, or be interpreted differently, are not allowed.
 */
export function isQueryable(text: string): boolean {
  return text !== '' && text.length <= LONGEST_TEXT && !/["\\\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u.test(text);
}

/** @throws {RangeError} when the text may not be part of a query. */
export function quote(text: string): string {
  if (!isQueryable(text)) throw new RangeError('This text cannot be part of a Gigya query');
  return `"${text}"`;
}

/** Groups UIDs so that each group fits in one query. Leaves out those that are not queryable. */
export function groupUids(
  uids: readonly string[],
  { uids: most, characters }: { uids: number; characters: number },
): string[][] {
  const groups: string[][] = [];
  let group: string[] = [];
  let length = 0;
  for (const uid of uids.filter(isQueryable)) {
    const added = uid.length + 3;
    if (group.length > 0 && (group.length >= most || length + added > characters)) {
      groups.push(group);
      group = [];
      length = 0;
    }
    group.push(uid);
    length += added;
  }
  if (group.length > 0) groups.push(group);
  return groups;
}
