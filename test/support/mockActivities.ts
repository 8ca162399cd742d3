import type { WrittenPage } from '../../src/activities/checkpoint.ts';
import type { LeaversPage, LeaversToFetch } from '../../src/activities/fetchLeavers.ts';
import type { MembersPage, MembersToFetch } from '../../src/activities/fetchMembership.ts';
import type { QuietAhead } from '../../src/activities/findQuietWindows.ts';
import type { Activities } from '../../src/activities/index.ts';
import type { Plan } from '../../src/activities/preflight.ts';
import type { PageToWrite } from '../../src/activities/updateGigya.ts';
import { noCounts } from '../../src/counts.ts';
import { parseJob } from '../../src/job.ts';

export interface MockedExport {
  activities: Pick<
    Activities,
    'preflight' | 'fetchMembership' | 'fetchLeavers' | 'updateGigya' | 'countCarriers' | 'findQuietWindows'
  >;
  /** What is under way, and how many writes were at once at the most. */
  fetched(): number;
  /** How often leavers that were found earlier were compared again. */
  comparedAgain(): number;
  mostAtOnce(): number;
  /** Lets the oldest held write go on. */
  letOneGo(): void;
  letAllGo(): void;
}

export interface MockOptions {
  pages: number;
  pageSize: number;
  /** Writes wait to be let go. */
  isHeld?: boolean;
  /** What a write answers beside the count of its users. */
  written?: (pageSize: number) => Partial<WrittenPage>;
  /** The quiet hours of a job that has some. */
  quiet?: () => QuietAhead;
}

/** Activities that touch no service: for what the workflow does of its own. */
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
      async fetchMembership({ cursor }: MembersToFetch): Promise<MembersPage> {
        const number = Number(cursor.start) + 1;
        fetched++;
        return {
          page: 'sealed',
          counts: { members: pageSize },
          rows: pageSize,
          failures: {},
          duplicates: 0,
          unlisted: [],
          next: number === pages ? null : { start: String(number), before: '', blind: 0 },
          total: pages * pageSize,
          lossy: false,
          expired: false,
        };
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
        return { ...nobody, carriers: pages * pageSize, unproven: null };
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
