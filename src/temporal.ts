import { loadClientConnectConfig } from '@temporalio/envconfig';

export const DEFAULT_ADDRESS = 'localhost:7233';

/** Where Temporal is, from `TEMPORAL_*` and temporal.toml: the same for client and worker. */
export function readTemporalConfig() {
  const { connectionOptions, namespace = 'default' } = load();
  const address = connectionOptions.address ?? DEFAULT_ADDRESS;
  return { connectionOptions: { ...connectionOptions, address }, namespace, address };
}

function load() {
  try {
    return loadClientConnectConfig();
  } catch (error) {
    if (!(error instanceof Error && 'path' in error)) throw error;
    const name = Object.keys(process.env).find((key) => process.env[key] === error.path) ?? 'temporal.toml';
    throw new Error(`${name}: the file ${error.path} cannot be read`);
  }
}

/**
 * What a failed connection means, by the texts of the worker's Rust core, of rustls and of the client's grpc-js.
 * The first match counts.
 */
const CAUSES: readonly [pattern: RegExp, cause: string][] = [
  [/dns error|ENOTFOUND|EAI_AGAIN|Name resolution failed/, 'host not found; set TEMPORAL_ADDRESS'],
  [
    /ConnectionRefused|ECONNREFUSED/,
    'connection refused; start a server with "npm run dev-server", or set TEMPORAL_ADDRESS',
  ],
  [
    /before the deadline/,
    'it does not answer; start a server with "npm run dev-server", or set TEMPORAL_ADDRESS',
  ],
  [/Invalid address/, 'TEMPORAL_ADDRESS must be "host:port"'],
  [
    /InvalidContentType|wrong version number/,
    'the server does not use TLS; unset TEMPORAL_TLS and TEMPORAL_API_KEY, which turns TLS on',
  ],
  [
    /UnknownIssuer|self-signed|unable to (get|verify)/,
    "the server's certificate is not signed by a trusted CA; set TEMPORAL_TLS_SERVER_CA_CERT_PATH",
  ],
  [/InvalidCertificate\(Expired|certificate has expired/, "the server's certificate has expired"],
  [
    /NotValidForName|does not match certificate/,
    "the server's certificate is for another host; set TEMPORAL_ADDRESS or TEMPORAL_TLS_SERVER_NAME",
  ],
  [/InvalidCertificate/, "the server's certificate is not valid"],
  [
    /CertificateRequired|certificate required|HandshakeFailure/,
    'the server asks for a client certificate; set TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH',
  ],
  [
    /authentication credentials|permission to execute|UNAUTHENTICATED|PERMISSION_DENIED/,
    'the server refused the credentials; set TEMPORAL_API_KEY or the client certificate',
  ],
  [
    /BrokenPipe|broken pipe|ConnectionReset|ECONNRESET/,
    'the server closed the connection; if it uses TLS, set TEMPORAL_TLS=true',
  ],
  [
    /grpc-status header missing|HTTP status/,
    'what answers there is not a Temporal server; set TEMPORAL_ADDRESS',
  ],
];

/** One line for a person whose server cannot be reached: the cause, and the setting to change. */
export function unreachable(address: string, error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const cause = CAUSES.find(([pattern]) => pattern.test(message))?.[1] ?? firstLine(message);
  return `No Temporal server answers at ${address}: ${cause}`;
}

export function noNamespace(namespace: string, address: string): string {
  return `TEMPORAL_NAMESPACE: the namespace "${namespace}" does not exist at ${address}`;
}

/** Without Rust's structs, which tell a person nothing. */
function firstLine(message: string): string {
  const [line = ''] = message.split('\n');
  return /::|\{/.test(line) ? 'the connection failed; set TEMPORAL_ADDRESS' : line;
}
