import { condition, continueAsNew, proxyActivities } from '@temporalio/workflow';
import type { Activities } from './worker.ts';

const { fetchUsers, writeUser } = proxyActivities<Activities>({ startToCloseTimeout: '1 minute' });

/** Pages of a hundred users until the workflow continues as new. */
const PAGES = 20;

export interface Window {
  cursor: string;
  /** Activities at once. */
  width: number;
  written: number;
}

/** An export in the way of Temporal's sliding-window samples: one activity for each user, a number of them at once. */
export async function activityPerUser({ cursor, width, written }: Window): Promise<number> {
  let [next, inFlight, done] = [cursor, 0, written];
  for (let page = 0; page < PAGES; page++) {
    const { users, next: following } = await fetchUsers(next);
    for (const user of users) {
      await condition(() => inFlight < width);
      inFlight++;
      void writeUser(user).then(() => {
        inFlight--;
        done++;
      });
    }
    next = following;
    if (next === '') break;
  }
  await condition(() => inFlight === 0);
  if (next === '') return done;
  return continueAsNew<typeof activityPerUser>({ cursor: next, width, written: done });
}
