import { z } from 'zod';
import { faultRuleSchema } from '../faults.ts';
import { isRecord } from '../gigya/documents.ts';
import { patchSettings } from '../settings.ts';
import type { World } from '../world.ts';
import type { AdminInput, Endpoint, Handler } from './handler.ts';

/** The sandbox itself: settings, faults, journal, stats. */

/** An event without particulars, and an empty answer. */
const done =
  (type: 'faults.clear' | 'journal.clear' | 'stats.clear'): Handler =>
  (world) => {
    world.commit({ type });
    return {};
  };

function info(world: World) {
  return {
    pid: process.pid,
    population: world.population,
    rows: world.lytics.rows.size,
    accounts: world.gigya.accounts.size,
    audiences: world.lytics.audiences.size,
    waitingForIndex: world.gigya.index.waiting(),
  };
}

function changeSettings(world: World, { body }: AdminInput) {
  patchSettings(world.settings(), body);
  world.commit({ type: 'settings', patch: isRecord(body) ? body : {} });
  return world.settings();
}

function addFaults(world: World, { body }: AdminInput) {
  const rules = z.array(faultRuleSchema).parse(Array.isArray(body) ? body : [body]);
  for (const rule of rules) {
    if (rule.match.path !== undefined) new RegExp(rule.match.path);
    if (rule.action.kind === 'settings') patchSettings(world.settings(), rule.action.settings);
    world.commit({ type: 'faults.add', rules: [{ ...rule, id: rule.id ?? world.faults.nextId() }] });
  }
  return world.faults.list();
}

export const controlEndpoints: Endpoint[] = [
  ['GET', /^\/admin\/info$/, info],
  ['GET', /^\/admin\/settings$/, (world) => world.settings()],
  ['PATCH', /^\/admin\/settings$/, changeSettings],
  ['GET', /^\/admin\/faults$/, (world) => world.faults.list()],
  ['POST', /^\/admin\/faults$/, addFaults],
  ['DELETE', /^\/admin\/faults$/, done('faults.clear')],
  ['GET', /^\/admin\/journal$/, (world, { query }) => world.journal.since(Number(query.get('since') ?? 0))],
  ['POST', /^\/admin\/journal\/clear$/, done('journal.clear')],
  ['GET', /^\/admin\/stats$/, (world) => world.stats.report()],
  ['POST', /^\/admin\/stats\/clear$/, done('stats.clear')],
];
