/** The loop with undici, which the exporter uses as well. */
import { Pool } from 'undici';
import { createAuthenticate } from '../../src/gigya/auth.ts';
import { serveRuns } from './loop.ts';

serveRuns(async ({ gigya, connections }) => {
  const pool = new Pool(gigya.base_url, { connections });
  const authenticate = createAuthenticate('gigya', gigya);
  return {
    async call(method, params) {
      const form = { format: 'json', httpStatusCodes: 'false', ...params };
      const credentials = await authenticate(`${gigya.base_url}/${method}`, form, Date.now());
      const { body } = await pool.request({
        method: 'POST',
        path: `/${method}`,
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...credentials.headers },
        body: new URLSearchParams({ ...form, ...credentials.params }).toString(),
      });
      return JSON.parse(await body.text());
    },
    close: () => pool.close(),
  };
});
