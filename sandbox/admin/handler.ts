import { z } from 'zod';
import type { Account } from '../gigya/state.ts';
import type { Audience } from '../lytics/state.ts';
import type { World } from '../world.ts';

export type AdminInput = {
  query: URLSearchParams;
  body: unknown /** The part of the path that names one. */;
  name: string;
};
export type Handler = (world: World, input: AdminInput) => unknown;
export type Endpoint = [verb: string, pattern: RegExp, handler: Handler];

/** A request that cannot be served, with its HTTP status. */
export class Refusal extends Error {
  override name = 'Refusal';
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export const data = z.record(z.string(), z.unknown());

export function audienceOf(world: World, idOrSlug: string): Audience {
  const audience = world.lytics.audience(idOrSlug);
  if (!audience) throw new Refusal(404, `no audience ${idOrSlug}`);
  return audience;
}

export function accountOf(world: World, uid: string): Account {
  const account = world.gigya.accounts.get(uid);
  if (!account) throw new Refusal(404, `no account ${uid}`);
  return account;
}

const isDefined = <T>(value: T): value is Exclude<T, undefined> => value !== undefined;

/** Without the keys whose value is undefined, which `exactOptionalPropertyTypes` tells from absent ones. */
export function defined<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const result: { [K in keyof T]?: Exclude<T[K], undefined> } = {};
  for (const key in value) {
    const one = value[key];
    if (isDefined(one)) result[key] = one;
  }
  return result;
}
