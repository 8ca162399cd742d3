import { defaultPayloadConverter } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { readSealedRows } from '../../src/activities/rowHistory.ts';
import type { RowCursor } from '../../src/rows.ts';
import { clientOfHistories, completedWith } from '../support/fakeHistories.ts';

/** A run that continued as new twice; a reply holds two events. */
const client = clientOfHistories(
  {
    a: [started(), completed('1'), completed(), completed('2'), continued('b', 1)],
    b: [started('a'), completed(), continued('c', 1)],
    c: [started('b'), completed('3', '4'), failed('5'), completed('6'), continued('d', 3)],
    // The next run of a cron.
    d: [started('c', 3), completed('7')],
  },
  2,
);

function payloads(value: unknown) {
  return { payloads: [defaultPayloadConverter.toPayload(value)] };
}

function sealed(sets: readonly string[]): object {
  return sets.length > 0 ? { sealed: { failed: sets } } : {};
}

function completed(...sets: string[]) {
  return completedWith({ updated: 1, ...sealed(sets) });
}

function failed(...sets: string[]) {
  const applicationFailureInfo = { details: payloads({ updated: 1, ...sealed(sets) }) };
  return { activityTaskFailedEventAttributes: { failure: { applicationFailureInfo } } };
}

function started(continuedExecutionRunId?: string, initiator = 1) {
  const before = continuedExecutionRunId === undefined ? {} : { continuedExecutionRunId, initiator };
  return { workflowExecutionStartedEventAttributes: before };
}

function continued(newExecutionRunId: string, initiator: number) {
  return { workflowExecutionContinuedAsNewEventAttributes: { newExecutionRunId, initiator } };
}

async function read(runId: string, from: RowCursor | null) {
  const found: { sets: string[]; cursor: RowCursor }[] = [];
  for await (const one of readSealedRows(client, { workflowId: 'w', runId }, 'failed', from)) found.push(one);
  return found;
}

const setsOf = (found: readonly { sets: string[] }[]) => found.flatMap(({ sets }) => sets);

describe('the rows of a run that continued as new', () => {
  it.each(['a', 'b', 'c'])('are those of the whole chain, whichever link is named: %s', async (runId) => {
    expect(setsOf(await read(runId, null))).toEqual(['1', '2', '3', '4', '5', '6']);
  });

  it('end where a cron began its next run', async () => {
    expect(setsOf(await read('d', null))).toEqual(['7']);
  });

  it('continue after any cursor with exactly the rest', async () => {
    const all = await read('a', null);
    expect(all.length).toBeGreaterThan(8);
    for (const [index, { cursor }] of all.entries()) {
      const rest = await read('a', cursor);
      expect(setsOf(rest), JSON.stringify(cursor)).toEqual(setsOf(all.slice(index + 1)));
    }
  });
});
