/** The proxies for requests to http:// and https:// URLs. */
export interface Proxies {
  httpProxy?: string;
  httpsProxy?: string;
}

/** SOCKS is left out: undici's support is experimental. */
const PROTOCOLS = ['http:', 'https:'];

/** A proxy variable is not usable. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError';
}

/**
 * Reads `HTTP_PROXY` and `HTTPS_PROXY`; lower case wins, as with curl. `proxy.corp:3128` means
 * `http://proxy.corp:3128`: as a URL it would be the unknown protocol `proxy.corp:`.
 *
 * @throws {ProxyError} naming the variable; never its value, which may hold a password.
 */
export function readProxies(env: NodeJS.ProcessEnv): Proxies {
  const httpProxy = readProxy(env, 'HTTP_PROXY');
  const httpsProxy = readProxy(env, 'HTTPS_PROXY');
  return {
    ...(httpProxy !== undefined && { httpProxy }),
    ...(httpsProxy !== undefined && { httpsProxy }),
  };
}

function readProxy(env: NodeJS.ProcessEnv, name: string): string | undefined {
  const found = [name.toLowerCase(), name].find((each) => env[each]?.trim());
  if (found === undefined) return undefined;
  const value = env[found]?.trim() ?? '';
  const url = value.includes('://') ? value : `http://${value}`;
  if (URL.canParse(url) && PROTOCOLS.includes(new URL(url).protocol)) return url;
  throw new ProxyError(`${found}: must be a URL such as http://proxy.example.com:3128`);
}
