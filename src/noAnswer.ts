/** No usable reply: the connection failed or broke, or the reply took too long. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
  /** Whether the error can pass by itself. A wrong host name, certificate or proxy does not. */
  readonly passes: boolean;

  /** @param message Names the host and the cause. */
  constructor(message: string, passes = true) {
    super(message);
    this.passes = passes;
  }
}

/** An error of undici, Node or OpenSSL becomes a {@link NoAnswer}; any other is returned as it is. */
export function asNoAnswer(host: string, error: unknown): unknown {
  if (error instanceof NoAnswer || !isNetworkError(error)) return error;
  const refusal = Number(/^Proxy response \((\d+)\)/.exec(error.message)?.[1] ?? 0);
  // A proxy answers 5xx when it cannot reach the host.
  if (refusal > 0) {
    return new NoAnswer(`${host}: the proxy rejected the connection (HTTP ${refusal})`, refusal >= 500);
  }
  return new NoAnswer(`${host}: ${describe(error)}`, !LASTING.test(error.code));
}

/** Errors of names, certificates and protocols, which a person has to correct. */
const LASTING = new RegExp(
  [
    '^ENOTFOUND$',
    // OpenSSL's verdicts on a certificate: https://nodejs.org/api/tls.html#x509-certificate-error-codes
    '^(CERT|UNABLE_TO|SELF_SIGNED|DEPTH_ZERO|ERROR_IN_CERT)_',
    '^(INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|HOSTNAME_MISMATCH|ERR_TLS_CERT_ALTNAME_INVALID)$',
    // The other side speaks no TLS, or none that this one takes.
    '^ERR_SSL_.*(VERSION|PROTOCOL|HANDSHAKE_FAILURE|PACKET_LENGTH_TOO_LONG|UNRECOGNIZED_NAME)',
    // The other side wants a certificate of ours, or rejects it.
    '^ERR_SSL_.*ALERT_.*(CERTIFICATE|ACCESS_DENIED|UNKNOWN_CA)',
    // undici: an unusable URL or header, and a proxy's own certificate.
    '^UND_ERR_(INVALID_ARG|PRX_TLS)$',
  ].join('|'),
);

/** Errors of sockets, DNS, TLS and undici have a code; a mistake in our own code does not. */
function isNetworkError(error: unknown): error is Error & { code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string';
}

function describe(error: Error & { code: string }): string {
  // OpenSSL's messages hold addresses and source lines; `reason` is the part for people.
  const text = 'reason' in error && typeof error.reason === 'string' ? error.reason : error.message;
  // The error for a host with several addresses has no message of its own.
  return text.includes(error.code) ? text : `${text} (${error.code})`.trim();
}
