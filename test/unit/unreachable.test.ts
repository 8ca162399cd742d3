import { afterEach, describe, expect, it, vi } from 'vitest';
import { readTemporalConfig, unreachable } from '../../src/temporal.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

/** As the SDK's core writes them, in 1.24. */
const core = (cause: string) =>
  `tonic::transport::Error(Transport, ConnectError(Custom { kind: InvalidData, error: ${cause} }))`;

describe('a server that cannot be reached', () => {
  it.each([
    ['tonic::transport::Error(Transport, ConnectError(ConnectError("dns error", …)))', 'host not found'],
    ['tonic::transport::Error(…, Os { code: 111, kind: ConnectionRefused, …})', 'connection refused'],
    ["Invalid address for Temporal gRPC endpoint: expected URI of the form 'hostname'", 'TEMPORAL_ADDRESS'],
    [core('InvalidMessage(InvalidContentType)'), 'unset TEMPORAL_TLS'],
    [core('InvalidCertificate(UnknownIssuer)'), 'TEMPORAL_TLS_SERVER_CA_CERT_PATH'],
    [core('InvalidCertificate(ExpiredContext { time: UnixTime(1) })'), 'certificate has expired'],
    [core('InvalidCertificate(NotValidForNameContext { … })'), 'TEMPORAL_TLS_SERVER_NAME'],
    [
      "Failed to call GetSystemInfo: code: 'The request does not have valid authentication credentials'",
      'TEMPORAL_API_KEY',
    ],
    [
      "Failed to call GetSystemInfo: code: 'The caller does not have permission to execute the specified operation'",
      'TEMPORAL_API_KEY',
    ],
    [
      'Failed to call GetSystemInfo: …, hyper::Error(Io, Custom { kind: BrokenPipe, … })',
      'set TEMPORAL_TLS=true',
    ],
    ['Failed to call GetSystemInfo: … grpc-status header missing', 'not a Temporal server'],
    ['something::New { a: 1 }', 'the connection failed'],
    ['14 UNAVAILABLE: No connection established. Last error: connect ECONNREFUSED', 'connection refused'],
    ['Something went wrong\n  at line 1', /: Something went wrong$/],
  ])('because of %s is described in one line', (message, said) => {
    const line = unreachable('temporal.corp:7233', new Error(message));
    expect(line).toMatch(/^No Temporal server answers at temporal\.corp:7233: [^\n]+$/);
    expect(line).toMatch(said);
    expect(line).not.toMatch(/::|\{/);
  });
});

describe('the connection settings', () => {
  it('that name a missing file are refused with the name', () => {
    vi.stubEnv('TEMPORAL_CONFIG_FILE', '');
    vi.stubEnv('TEMPORAL_TLS_CLIENT_CERT_PATH', '/nowhere.pem');
    expect(() => readTemporalConfig()).toThrow(
      'TEMPORAL_TLS_CLIENT_CERT_PATH: the file /nowhere.pem cannot be read',
    );
  });
});
