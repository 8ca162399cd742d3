/**
 * Letters, digits and marks that mean nothing inside FilterQL's quotes, among them those of Gigya's own UIDs
 * (base64: `_guid_…+/==`); how to escape others is not documented.
 */
const SAFE_VALUE = /^[A-Za-z0-9_.:@=+/|~-]{1,256}$/;
/** An audience is not quoted. */
const SAFE_AUDIENCE = /^[A-Za-z0-9_-]{1,256}$/;
const SAFE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** UIDs in one statement: Lytics returns at most 100 rows per call. */
export const UIDS_PER_STATEMENT = 100;

/** Whether a value may be part of a FilterQL statement. */
export const isFilterable = (value: string): boolean => SAFE_VALUE.test(value);

/** Whether an audience can be named in a statement. */
export const isFilterableAudience = (name: string): boolean => SAFE_AUDIENCE.test(name);

/** Whether users can be found by this field. */
export const isFilterableField = (field: string): boolean => SAFE_NAME.test(field);

/**
 * A FilterQL statement for users by their UIDs, among the members of an audience or among all users.
 *
 * @throws {RangeError} when a name or UID may not be part of a statement.
 */
export function usersWith(field: string, uids: readonly string[], audience?: string): string {
  const isSafe =
    isFilterableField(field) &&
    uids.length > 0 &&
    uids.every(isFilterable) &&
    (audience === undefined || isFilterableAudience(audience));
  if (!isSafe) throw new RangeError('This name or UID cannot be part of a FilterQL statement');
  const condition = `${field} IN (${uids.map((uid) => `"${uid}"`).join(', ')})`;
  return audience === undefined
    ? `FILTER AND (${condition}) FROM user`
    : `FILTER AND (INCLUDE ${audience}, ${condition}) FROM user`;
}
