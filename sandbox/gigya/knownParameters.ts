import type { Parameters } from './parameters.ts';

/** Parameters that every method takes: credentials and control parameters. */
const common = [
  ...['apiKey', 'userKey', 'secret', 'sig', 'timestamp', 'nonce'],
  ...['format', 'httpStatusCodes', 'checkParams', 'sdk', 'context', 'callback', 'targetEnv'],
];

const search = ['query', 'cursorId', 'openCursor', 'querySig', 'expTime', 'timeout'];

/** As SAP documents them; any other parameter is ignored and listed in the reply. */
const byMethod: Record<string, readonly string[]> = {
  'accounts.getAccountInfo': ['UID', 'regToken', 'include', 'extraProfileFields', 'lang'],
  'accounts.setAccountInfo': [
    ...['UID', 'regToken', 'data', 'profile', 'preferences', 'subscriptions', 'muteWebhooks', 'lang'],
    ...['username', 'password', 'newPassword', 'secretQuestion', 'secretAnswer', 'securityOverride'],
    ...['isActive', 'isVerified', 'isLockedOut', 'requirePasswordChange', 'conflictHandling'],
    ...['addLoginEmails', 'removeLoginEmails', 'created'],
  ],
  'accounts.getSchema': ['filter', 'include', 'scope'],
  'accounts.setSchema': ['dataSchema', 'profileSchema', 'preferencesSchema', 'subscriptionsSchema', 'scope'],
  'accounts.search': [...search, 'accountTypes'],
  'ds.get': ['type', 'oid', 'UID', 'fields'],
  'ds.store': ['type', 'oid', 'UID', 'data', 'updateBehavior'],
  'ds.delete': ['type', 'oid', 'UID'],
  'ds.getSchema': ['type', 'filter'],
  'ds.setSchema': ['type', 'dataSchema'],
  'ds.search': search,
};

/** Documented names by their lower-case form, for each method. */
const namesOf = new Map(
  Object.entries(byMethod).map(([method, names]) => [method, lowerCased([...common, ...names])]),
);
const commonNames = lowerCased(common);

function lowerCased(names: readonly string[]): ReadonlyMap<string, string> {
  return new Map(names.map((name) => [name.toLowerCase(), name]));
}

export type SortedParameters = {
  /** Under their documented names. */
  parameters: Parameters;
  /** Names, as sent, that have no effect. */
  ignored: string[];
};

/** Names are taken in any case: `ApiKey` works on the live service. */
export function sortParameters(
  method: string,
  sent: Parameters,
  withoutRight: readonly string[],
): SortedParameters {
  const names = namesOf.get(method) ?? commonNames;
  const denied = new Set(withoutRight.map((name) => name.toLowerCase()));
  const parameters = new Map<string, string>();
  const ignored: string[] = [];
  for (const [name, value] of sent) {
    const known = denied.has(name.toLowerCase()) ? undefined : names.get(name.toLowerCase());
    if (known === undefined) ignored.push(name);
    else parameters.set(known, value);
  }
  return { parameters, ignored };
}

export function ignoredParams(ignored: readonly string[]): Record<string, unknown>[] {
  return ignored.map((paramName) => ({
    paramName,
    warningCode: 403007,
    message: 'Not a parameter of this method, or not allowed with these credentials',
  }));
}
