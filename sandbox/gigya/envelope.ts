/** The text beside a code; `errorDetails` repeats it unless the failure says more (as in recorded replies). */
const messages: Record<number, string> = {
  301001: 'Invalid data center',
  400001: 'Invalid request',
  400002: 'Missing required parameter',
  400003: 'Unique identifier exists',
  400004: 'Invalid parameter format',
  400006: 'Invalid parameter value',
  400009: 'Validation errors',
  400020: 'Schema validation failed',
  400093: 'Invalid ApiKey parameter',
  403002: 'Request has expired',
  403003: 'Invalid request signature',
  403004: 'Duplicate nonce',
  403005: 'Unauthorized user',
  403007: 'Permission denied',
  403010: 'Invalid Secret',
  403036: 'Not supported',
  403048: 'Api rate limit exceeded',
  403200: 'Redundant operation',
  404000: 'Not found',
  404003: 'Not found',
  405001: 'Invalid method',
  409030: 'Too many concurrent requests',
  413003: 'Request entity too large',
  500001: 'General Server Error',
  500028: 'General Server Error',
  500034: 'General Server Error',
  503001: 'Service Unavailable',
  504001: 'Gateway Timeout',
  504002: 'Gateway Timeout',
};

const reasons: Record<number, string> = {
  200: 'OK',
  301: 'Moved Permanently',
  400: 'Bad Request',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  413: 'Request Entity Too Large',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

export class GigyaFailure extends Error {
  override name = 'GigyaFailure';
  constructor(
    readonly code: number,
    readonly details?: string,
    readonly extra: Readonly<Record<string, unknown>> = {},
    message?: string,
  ) {
    super(message ?? messages[code] ?? 'Error');
  }
}

export type Envelope = {
  status: number;
  errorCode: number;
  body: Record<string, unknown>;
};

export function success(callId: string, at: number, body: Readonly<Record<string, unknown>>): Envelope {
  return {
    status: 200,
    errorCode: 0,
    body: {
      callId,
      errorCode: 0,
      apiVersion: 2,
      statusCode: 200,
      statusReason: 'OK',
      time: new Date(at).toISOString(),
      ...body,
    },
  };
}

export function failure(
  callId: string,
  at: number,
  { code, message, details, extra }: GigyaFailure,
): Envelope {
  const status = Math.floor(code / 1000);
  return {
    status,
    errorCode: code,
    body: {
      callId,
      errorCode: code,
      errorDetails: details ?? message,
      errorMessage: message,
      apiVersion: 2,
      statusCode: status,
      statusReason: reasons[status] ?? 'Error',
      time: new Date(at).toISOString(),
      ...extra,
    },
  };
}

/** Null in the place of every optional key that a reply may leave out, and in those of a validation error. */
export function withNulls(
  body: Readonly<Record<string, unknown>>,
  isSearch: boolean,
): Record<string, unknown> {
  const { validationErrors = null } = body;
  return {
    errorMessage: null,
    errorDetails: null,
    ignoredParams: null,
    ...(isSearch && { nextCursorId: null }),
    ...body,
    callId: null,
    time: null,
    validationErrors: Array.isArray(validationErrors)
      ? validationErrors.map((one) => ({ ...one, fieldName: null }))
      : validationErrors,
  };
}
