import type { ServerResponse } from 'node:http';
import { type LocalServer, sendJson, serve } from './localServer.ts';

/** A call as Gigya sees it. */
export interface GigyaCall {
  method: string;
  form: Record<string, string>;
  headers: Record<string, string | string[] | undefined>;
  /** The time of arrival, in ms of `performance.now`. */
  at: number;
}

/** Values merged into a successful Gigya reply, or an invalid reply. */
export type GigyaReply = Record<string, unknown> | ((response: ServerResponse) => void);

export interface GigyaServer extends Pick<LocalServer, 'url' | 'close'> {
  calls: GigyaCall[];
}

/** A fake Gigya controlled by the test: the n-th call (from 0) gets `answer(call, n)`. */
export async function serveGigya(answer: (call: GigyaCall, n: number) => GigyaReply): Promise<GigyaServer> {
  const calls: GigyaCall[] = [];
  const { url, close } = await serve(({ path, headers, body, at }, response) => {
    const call = { method: path.slice(1), form: Object.fromEntries(new URLSearchParams(body)), headers, at };
    calls.push(call);
    const reply = answer(call, calls.length - 1);
    if (typeof reply === 'function') reply(response);
    else sendJson(response, { callId: 'call-of-the-test', errorCode: 0, ...reply });
  });
  return { url, close, calls };
}

export function refusal(errorCode: number, more: Record<string, unknown> = {}) {
  return { errorCode, errorMessage: 'The test refuses', ...more };
}
