import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import * as workflows from '../../src/workflows/index.ts';
import { mutate } from '../support/bundle.ts';
import { QUIET } from '../support/localWorker.ts';

const FOLDER = fileURLToPath(new URL('histories', import.meta.url));

type History = ReturnType<typeof historyFromJSON>;

let histories: Map<string, History>;
let code: string;

beforeAll(async () => {
  // A determinism violation is what some of these tests ask for.
  Runtime.install({ logger: new DefaultLogger('ERROR', () => {}), telemetryOptions: QUIET });
  code = await readFile(inject('workflowBundle'), 'utf8');
  const files = (await readdir(FOLDER)).filter((file) => file.endsWith('.json'));
  const read = files.map(
    async (file): Promise<[string, History]> => [
      file.replace('.json', ''),
      historyFromJSON(JSON.parse(await readFile(join(FOLDER, file), 'utf8'))),
    ],
  );
  histories = new Map(await Promise.all(read));
});

/** What each history makes of the workflows' code: nothing when it replays. */
async function replay(workflowCode: string): Promise<Map<string, Error | undefined>> {
  const recorded = [...histories].map(([workflowId, history]) => ({ workflowId, history }));
  const outcomes = new Map<string, Error | undefined>();
  const replays = Worker.runReplayHistories({ workflowBundle: { code: workflowCode } }, recorded);
  for await (const { workflowId, error } of replays) outcomes.set(workflowId, error);
  return outcomes;
}

const typeOf = (history: History | undefined) =>
  history?.events?.[0]?.workflowExecutionStartedEventAttributes?.workflowType?.name;

describe('the recorded histories', () => {
  it('cover every workflow', () => {
    const types = new Set([...histories.values()].map(typeOf));
    expect([...types].sort()).toEqual(Object.keys(workflows).sort());
  });

  it('cover every path of a run', () => {
    const seen = (shape: string, attributes: string) =>
      histories
        .get(shape)
        ?.events?.some((event) => Object.entries(event).some(([key, value]) => key === attributes && value));
    expect(seen('account', 'workflowExecutionCompletedEventAttributes')).toBe(true);
    expect(seen('data-store', 'workflowExecutionCompletedEventAttributes')).toBe(true);
    expect(seen('chain-1', 'workflowExecutionContinuedAsNewEventAttributes')).toBe(true);
    const links = [...histories.keys()].filter((shape) => shape.startsWith('chain-'));
    expect(seen(`chain-${links.length}`, 'workflowExecutionCompletedEventAttributes')).toBe(true);
    expect(seen('paused', 'workflowExecutionUpdateCompletedEventAttributes')).toBe(true);
    expect(seen('trouble', 'workflowExecutionSignaledEventAttributes')).toBe(true);
    expect(seen('cancelled', 'workflowExecutionCanceledEventAttributes')).toBe(true);
    expect(seen('failed', 'workflowExecutionFailedEventAttributes')).toBe(true);
    const scheduled = (shape: string, type: string) =>
      histories
        .get(shape)
        ?.events?.filter(
          ({ activityTaskScheduledEventAttributes }) =>
            activityTaskScheduledEventAttributes?.activityType?.name === type,
        ).length;
    expect(scheduled('account', 'fetchMembership')).toBeGreaterThan(0);
    expect(scheduled('leavers', 'fetchLeavers')).toBe(1);
    expect(scheduled('refused', 'fetchLeavers')).toBe(1);
    // Compared again once approved.
    expect(scheduled('approved', 'fetchLeavers')).toBe(2);
    expect(seen('refused', 'workflowExecutionFailedEventAttributes')).toBe(true);
    expect(scheduled('cursor-expired', 'fetchMembership')).toBeGreaterThan(1);
    expect(scheduled('secret-rotated', 'fetchMembership')).toBeGreaterThan(1);
    expect(scheduled('retry', 'fetchRows')).toBe(1);
    // Those who lose the audience are read again once approved.
    expect(scheduled('plan', 'fetchRows')).toBe(2);
    expect(scheduled('plan', 'updateGigya')).toBe(2);
    // That it stalls, and that it continues.
    expect(scheduled('stalled', 'sendAlert')).toBeGreaterThanOrEqual(2);
  });
});

describe('the current workflows', () => {
  it('replay every recorded history, so running jobs survive a deployment', async () => {
    const outcomes = await replay(code);
    expect([...outcomes.keys()].sort()).toEqual([...histories.keys()].sort());
    for (const [shape, error] of outcomes) expect(error, shape).toBeUndefined();
  });

  it.each<[string, string | RegExp, string, string]>([
    ['names an activity otherwise', /activities\.updateGigya/, 'activities.writeGigya', 'account'],
    [
      'does not wait for the index any more',
      /await [^;\n]*sleep\)\(plan\.index_lag_seconds \* 1000,[^)]*\)/,
      'undefined',
      'account',
    ],
    ['does not continue as new', /continueAsNewSuggested/, 'continueAsNewNever', 'chain-1'],
    [
      'counts in Gigya before it writes',
      /(await [^;\n]*exportMembers\)\(step\);[\s\S]*?)(await [^;\n]*audit\)\(step\))/,
      '$2; $1$2',
      'preview',
    ],
    ['exports a plan without the guard', /rows\.step === 'decide'/, "rows.step === 'never'", 'plan'],
    ['does not wait for an approval', /leavers\.step === 'decide'/, "leavers.step === 'never'", 'approved'],
  ])('no longer replay after a change that %s', async (_, passage, replacement, shape) => {
    const outcomes = await replay(mutate(code, passage, replacement));
    expect(outcomes.get(shape)).toBeInstanceOf(DeterminismViolationError);
  });
});
