/** What is wrong with a `base_url`; undefined when it can be used. */
export function problemWithBaseUrl(value: string): string | undefined {
  if (!URL.canParse(value)) return 'must be a URL, such as "https://gateway.example.com"';
  const { protocol, hostname, username, password, search, hash } = new URL(value);
  if (username || password || search || hash) return 'must be a URL without credentials, "?" and "#"';
  if (protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))) return undefined;
  return 'must use https:// (plain http:// is accepted for loopback hosts only, since secrets are sent)';
}

export function isLoopback(hostname: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}
