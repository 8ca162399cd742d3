import type { WrittenPage } from '../../src/activities/checkpoint.ts';
import type { LeaversPage, LeaversToFetch } from '../../src/activities/fetchLeavers.ts';
import type { MembersPage, MembersToFetch } from '../../src/activities/fetchMembership.ts';
import type { RowsPage } from '../../src/activities/fetchRows.ts';
import type { QuietAhead } from '../../src/activities/findQuietWindows.ts';
import type { Activities } from '../../src/activities/index.ts';
import type { Plan } from '../../src/activities/preflight.ts';
import type { PageToWrite } from '../../src/activities/updateGigya.ts';
import { noCounts } from '../../src/counts.ts';
import { parseJob } from '../../src/job.ts';
import { fetchedPage } from './pages.ts';

export interface MockedExport {
  activities: Pick<
    Activities,
    | 'preflight'
    | 'fetchMembership'
    | 'fetchLeavers'
    | 'fetchRows'
    | 'updateGigya'
    | 'countCarriers'
    | 'findQuietWindows'
  >;
  /** The number of fetched pages. */
  fetched(): number;
  /** The number of repeated comparisons of leavers that were found earlier. */
  comparedAgain(): number;
  /** The maximum number of concurrent writes. */
  mostAtOnce(): number;
  /** Releases the oldest held write. */
  letOneGo(): void;
  letAllGo(): void;
}

export interface MockOptions {
  pages: number;
  pageSize: number;
  /** Writes wait until they are released. */
  isHeld?: boolean;
  /** The result of a write, in addition to the count of its users. */
  written?: (pageSize: number) => Partial<WrittenPage>;
  /** The quiet hours of the job, if any. */
  quiet?: () => QuietAhead;
}

/** Activities that call no service, to test the workflow's own behaviour. */
export function mockExport({
  pages,
  pageSize,
  isHeld = false,
  written = updatesAll,
  quiet = () => ({ windows: [], knownUntil: Number.MAX_SAFE_INTEGER }),
}: MockOptions): MockedExport {
  const held: (() => void)[] = [];
  let holds = isHeld;
  let fetched = 0;
  let comparedAgain = 0;
  let underWay = 0;
  let mostAtOnce = 0;
  return {
    activities: {
      async preflight(document: unknown): Promise<Plan> {
        const audience = { id: '0'.repeat(32), slug: 'vip', label: 'vip', size: pages * pageSize };
        return {
          job: parseJob(document),
          audience,
          index_lag_seconds: 0,
          alert_after_seconds: 900,
          warnings: [],
        };
      },
      async fetchMembership({ lanes }: MembersToFetch): Promise<MembersPage> {
        const number = Number(lanes[0]?.cursor.start) + 1;
        fetched++;
        return fetchedPage({
          counts: { members: pageSize },
          rows: pageSize,
          next: number === pages ? null : { start: String(number), before: '', blind: 0 },
          total: pages * pageSize,
        });
      },
      async updateGigya({ readBack }: PageToWrite): Promise<WrittenPage> {
        mostAtOnce = Math.max(mostAtOnce, ++underWay);
        if (holds) await new Promise<void>((resolve) => held.push(resolve));
        underWay--;
        const { updated, unchanged, unknown_uid, failed } = noCounts();
        const nothing = {
          updated,
          unchanged,
          unknown_uid,
          failed,
          failures: {},
          carrying: 0,
          readBack,
          stopped: false,
        };
        return { ...nothing, ...written(pageSize) };
      },
      async fetchLeavers({ again }: LeaversToFetch): Promise<LeaversPage> {
        if (again !== undefined) comparedAgain++;
        const nobody = { page: null, counts: {}, failures: {}, next: null, expired: false };
        return { ...nobody, carriers: pages * pageSize, missing: null, unproven: null };
      },
      async fetchRows(): Promise<RowsPage> {
        const counts = { members: pageSize };
        return {
          page: 'sealed',
          counts,
          failures: {},
          next: null,
          expired: false,
          removals: null,
          total: null,
        };
      },
      findQuietWindows: async () => quiet(),
      countCarriers: async () => ({ carriers: pages * pageSize, isExact: true }),
    },
    fetched: () => fetched,
    comparedAgain: () => comparedAgain,
    mostAtOnce: () => mostAtOnce,
    letOneGo: () => held.shift()?.(),
    letAllGo() {
      holds = false;
      for (const go of held.splice(0)) go();
    },
  };
}

const updatesAll = (pageSize: number): Partial<WrittenPage> => ({ updated: pageSize, carrying: pageSize });
