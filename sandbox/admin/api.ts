import { z } from 'zod';
import { LyticsFailure } from '../lytics/envelope.ts';
import { UnknownAudience } from '../truth.ts';
import type { World } from '../world.ts';
import { controlEndpoints } from './control.ts';
import { gigyaEndpoints } from './gigya.ts';
import { Refusal } from './handler.ts';
import { lyticsEndpoints } from './lytics.ts';
import { questionEndpoints } from './questions.ts';

export type AdminRequest = { verb: string; path: string; query: URLSearchParams; text: string };
export type AdminReply = { status: number; value: unknown };

const endpoints = [...controlEndpoints, ...questionEndpoints, ...lyticsEndpoints, ...gigyaEndpoints];

const described = () =>
  endpoints.map(([verb, pattern]) => `${verb} ${pattern.source.replace(/[\^$\\]/g, '')}`);

export function answerAdmin(world: World, { verb, path, query, text }: AdminRequest): AdminReply {
  try {
    if (path === '/admin' || path === '/admin/') return { status: 200, value: described() };
    const body: unknown = text === '' ? {} : JSON.parse(text);
    for (const [method, pattern, handler] of endpoints) {
      const found = method === verb ? pattern.exec(path) : null;
      if (!found) continue;
      const name = decodeURIComponent(found[1] ?? '');
      return { status: 200, value: handler(world, { query, body, name }) };
    }
    return { status: 404, value: { error: `no admin endpoint ${verb} ${path}` } };
  } catch (error) {
    return refused(error);
  }
}

function refused(error: unknown): AdminReply {
  if (error instanceof Refusal || error instanceof LyticsFailure)
    return { status: error.status, value: { error: error.message } };
  if (error instanceof UnknownAudience) return { status: 404, value: { error: error.message } };
  if (error instanceof z.ZodError) return { status: 400, value: { error: z.prettifyError(error) } };
  if (error instanceof SyntaxError) return { status: 400, value: { error: error.message } };
  throw error;
}
