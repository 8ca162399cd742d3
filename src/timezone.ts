/**
 * The IANA name of a time zone in its canonical letters (`europe/berlin` → `Europe/Berlin`); undefined when
 * there is no such zone. Intl ignores the case of letters, the time zone files of a Temporal server do not.
 */
export function canonicalTimezone(name: string): string | undefined {
  const written = name.trim();
  // Intl also takes offsets such as "+02:00", which a Temporal Schedule does not.
  if (!/^[A-Za-z]/.test(written)) return undefined;
  let resolved: string;
  try {
    resolved = new Intl.DateTimeFormat('en', { timeZone: written }).resolvedOptions().timeZone;
  } catch {
    return undefined;
  }
  const isAlias = resolved.toLowerCase() !== written.toLowerCase();
  return isAlias && hasProperLetters(written) ? written : resolved;
}

/**
 * Intl resolves an alias to the zone's main name (`Asia/Kolkata` to `Asia/Calcutta`), and does not tell the
 * alias's own letters: one that looks right is kept.
 */
function hasProperLetters(name: string): boolean {
  const isShouted = name.includes('/') && name === name.toUpperCase();
  return !isShouted && name.split('/').every((part) => /^[A-Z]/.test(part));
}
