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
  return PRESENT_NAMES.find((one) => one.toLowerCase() === written.toLowerCase()) ?? resolved;
}

/**
 * Intl resolves an alias to the name that it calls the main one, and does not tell the alias's own letters. These are the
 * names in use today of zones that it calls by an older one.
 */
const PRESENT_NAMES = [
  'Africa/Asmara',
  'America/Argentina/Buenos_Aires',
  'America/Argentina/Cordoba',
  'America/Indiana/Indianapolis',
  'America/Kentucky/Louisville',
  'America/Nuuk',
  'Asia/Ho_Chi_Minh',
  'Asia/Kathmandu',
  'Asia/Kolkata',
  'Asia/Yangon',
  'Atlantic/Faroe',
  'EST',
  'Etc/UTC',
  'Europe/Kyiv',
  'HST',
  'MST',
  'Pacific/Chuuk',
  'Pacific/Kanton',
  'Pacific/Pohnpei',
  'US/Central',
  'US/Eastern',
  'US/Mountain',
  'US/Pacific',
];
