import type { WrittenPage } from '../activities/checkpoint.ts';
import type { PageToWrite } from '../activities/updateGigya.ts';
import { addFailures, type OutcomesSoFar } from '../counts.ts';
import { activities } from './activities.ts';
import { addCalls } from './estimate.ts';
import { writtenBefore } from './failures.ts';

/**
 * Writes the records of a page. One activity does it, unless the rows of those who fail (in a preview, of those who
 * change) do not fit into one result: then further activities handle the rest.
 *
 * @param count Receives the outcomes, also of a page that fails.
 * @param reported What failed attempts of an activity reported.
 */
export async function writeRecords(
  input: PageToWrite,
  summary: string,
  count: (written: WrittenPage) => void,
  reported: (activity: string) => WrittenPage | undefined,
): Promise<void> {
  let sum: WrittenPage | undefined;
  for (let next = input; ; next = restOf(input, sum)) {
    const before = sum;
    const written = await activities.updateGigya
      .executeWithOptions({ summary }, [next])
      .catch((error: unknown) => {
        // The run also counts what a failing page wrote.
        const last = writtenBefore(error, reported);
        if (last) count(add(before, last));
        else if (before) count({ ...before, stopped: true });
        throw error;
      });
    sum = add(before, written);
    if (written.rest === undefined || written.stopped) return count(sum);
  }
}

/** Without the rows: they are in the history already. */
function add(before: WrittenPage | undefined, { sealed: _, ...more }: WrittenPage): WrittenPage {
  if (!before) return more;
  const failures = { ...before.failures };
  addFailures(failures, more.failures);
  const sum = { ...more };
  addCalls(sum, before.calls);
  return {
    ...sum,
    failures,
    updated: before.updated + more.updated,
    unchanged: before.unchanged + more.unchanged,
    unknown_uid: before.unknown_uid + more.unknown_uid,
    failed: before.failed + more.failed,
    stale: (before.stale ?? 0) + (more.stale ?? 0),
    carrying: before.carrying + more.carrying,
  };
}

function restOf(input: PageToWrite, { rest, ...sum }: WrittenPage): PageToWrite {
  const isExpected = input.plan.job.config.lite_accounts;
  const earlier: OutcomesSoFar = {
    handled: input.earlier.handled + sum.updated + sum.unchanged + sum.unknown_uid + sum.failed,
    failures: { ...input.earlier.failures },
  };
  addFailures(earlier.failures, sum.failures);
  if (!isExpected) addFailures(earlier.failures, { unknown_uid: sum.unknown_uid });
  return { ...input, readBack: sum.readBack, earlier, ...(rest !== undefined && { done: rest }) };
}
