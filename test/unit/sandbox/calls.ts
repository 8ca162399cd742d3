import { createSign, randomUUID } from 'node:crypto';
import type { Sandbox } from '../../../sandbox/client.ts';
import { sign } from '../../../sandbox/gigya/signature.ts';

/** Requests as a client of the providers would make them, for asserting on the bare answers. */
export type Answer = { status: number; headers: Headers; body: Record<string, unknown> };

async function read(response: Response): Promise<Answer> {
  const body: Record<string, unknown> = JSON.parse(await response.text());
  return { status: response.status, headers: response.headers, body };
}

export function callsOf(sandbox: Sandbox) {
  const { gigya, lytics, 'gigya-rsa': rsa } = sandbox.authorizations;
  const post = async (method: string, form: Record<string, string>, headers: Record<string, string> = {}) =>
    read(
      await fetch(`${sandbox.url}/${method}`, { method: 'POST', body: new URLSearchParams(form), headers }),
    );
  const credentials = { apiKey: gigya.api_key, userKey: gigya.user_key, secret: gigya.secret_key };

  return {
    credentials,
    post,
    /** With application key and secret. */
    gigya: (method: string, form: Record<string, string> = {}) => post(method, { ...credentials, ...form }),
    signed: (
      method: string,
      form: Record<string, string>,
      over: {
        timestamp?: number;
        nonce?: string;
        sig?: string;
        /** The URL that the client believes it calls. */
        signedUrl?: string;
        headers?: Record<string, string>;
      } = {},
    ) => {
      const { timestamp = Math.floor(Date.now() / 1000), nonce = randomUUID() } = over;
      const { secret, ...keys } = credentials;
      const all = { ...keys, ...form, timestamp: String(timestamp), nonce };
      const url = over.signedUrl ?? `${sandbox.url}/${method}`;
      const sig = over.sig ?? sign(url, new Map(Object.entries(all)), secret);
      return post(method, { ...all, sig }, over.headers);
    },
    bearer: (
      method: string,
      form: Record<string, string>,
      over: { header?: object; payload?: object } = {},
    ) => {
      const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
      const head = part({ alg: 'RS256', typ: 'JWT', kid: rsa.user_key, ...over.header });
      const payload = part({ iat: Math.floor(Date.now() / 1000), jti: randomUUID(), ...over.payload });
      const signature = createSign('RSA-SHA256')
        .update(`${head}.${payload}`)
        .sign(rsa.private_key, 'base64url');
      const headers = { authorization: `Bearer ${head}.${payload}.${signature}` };
      return post(method, { apiKey: gigya.api_key, ...form }, headers);
    },
    lytics: async (path: string, init: RequestInit = {}) =>
      read(
        await fetch(`${sandbox.url}${path}`, {
          redirect: 'manual',
          ...init,
          headers: { authorization: lytics.token, ...init.headers },
        }),
      ),
  };
}

export type Row = Record<string, unknown>;

export function rowsOf({ body }: Answer): Row[] {
  return Array.isArray(body.data) ? body.data : [];
}

export function resultsOf({ body }: Answer): Row[] {
  return Array.isArray(body.results) ? body.results : [];
}
