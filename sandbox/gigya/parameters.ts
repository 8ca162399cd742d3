import { isRecord } from './documents.ts';
import { GigyaFailure } from './envelope.ts';

export type Parameters = ReadonlyMap<string, string>;

export function required(parameters: Parameters, name: string): string {
  const value = parameters.get(name);
  if (value === undefined || value === '')
    throw new GigyaFailure(400002, `Missing required parameter: ${name}`);
  return value;
}

export function invalid(name: string, why = ''): GigyaFailure {
  return new GigyaFailure(400006, `Invalid parameter value: ${name}${why && ` (${why})`}`);
}

/** A parameter that holds a JSON object. */
export function object(parameters: Parameters, name: string): Record<string, unknown> | undefined {
  const text = parameters.get(name);
  if (text === undefined || text === '') return undefined;
  try {
    const value: unknown = JSON.parse(text);
    if (isRecord(value)) return value;
  } catch {
    // Falls through: not JSON and not an object are one fault.
  }
  throw invalid(name, 'not a JSON object');
}
