/**
 * The loop with the npm package `gigya`. It calls https://…gigya.com through the package `request`; its own hook for
 * another transport sends the calls to the sandbox. The package is installed by the scenario: the project does not
 * depend on it.
 */
import { createRequire } from 'node:module';
import { Pool } from 'undici';
import { z } from 'zod';
import { type GigyaReply, serveRuns } from './loop.ts';

/** The package's hook: posts a form to a method. */
type Transport = (method: string, host: string, form: Record<string, string>) => Promise<GigyaReply>;
interface Sdk {
  httpRequest: Transport;
  request(method: string, params: Record<string, string>): Promise<GigyaReply>;
}
type SdkClass = new (apiKey: string, dataCenter: string, userKey: string, secret: string) => Sdk;

const installed = createRequire(z.string().parse(process.env['GIGYA_PACKAGE']));
const { default: Gigya }: { default: SdkClass } = installed('gigya');

serveRuns(async ({ gigya, connections }) => {
  const pool = new Pool(gigya.base_url, { connections });
  const sdk = new Gigya(gigya.api_key, 'us1', gigya.user_key, gigya.secret_key ?? '');
  sdk.httpRequest = async (method, _host, { sig: _sig, timestamp: _timestamp, nonce: _nonce, ...params }) => {
    // The package signs with a time in milliseconds, which the documentation does not have: the secret is sent instead.
    const form = { ...params, secret: gigya.secret_key ?? '' };
    const { body } = await pool.request({
      method: 'POST',
      path: `/${method}`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(form).toString(),
    });
    return JSON.parse(await body.text());
  };
  return { call: (method, params) => sdk.request(method, params), close: () => pool.close() };
});
