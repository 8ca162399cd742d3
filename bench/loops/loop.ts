/**
 * The baseline: the calls of an export and nothing else. No retries, no rate limit, no checks, no durability. Runs as
 * a separate process, started by start.ts.
 */
import { Pool } from 'undici';
import type { GigyaAuthorization, LyticsAuthorization } from '../../src/authorizations.ts';

export interface LoopRun {
  audience: string;
  lytics: LyticsAuthorization;
  gigya: GigyaAuthorization & { base_url: string };
  /** Concurrent calls to Gigya. */
  connections: number;
}

export interface LoopResult {
  seconds: number;
}

/** Makes one call to Gigya, and returns the reply as it came. */
export type Call = (method: string, params: Record<string, string>) => Promise<GigyaReply>;

interface Member {
  gy_profile_id: string;
  segments: string[];
}

interface ScanReply {
  data: Member[];
  _next: string;
}

export interface GigyaReply {
  errorCode: number;
  errorMessage?: string;
  results?: { UID: string; data?: { lytics_segments?: string[] } }[];
}

interface Batch {
  toWrite: Member[];
  next: string;
}

const UIDS_PER_SEARCH = 200;

async function exportAudience({ audience, lytics, connections }: LoopRun, send: Call): Promise<void> {
  const toLytics = new Pool(lytics.base_url, { connections: 1 });

  async function scan(start: string): Promise<ScanReply> {
    const query = new URLSearchParams({ table: 'user', limit: '100', ...(start !== '' && { start }) });
    const { body } = await toLytics.request({
      method: 'GET',
      path: `/api/segment/${audience}/scan?${query}`,
      headers: { authorization: lytics.token, accept: 'application/json' },
    });
    return JSON.parse(await body.text());
  }

  async function call(method: string, params: Record<string, string>): Promise<GigyaReply> {
    const reply = await send(method, params);
    if (reply.errorCode !== 0) throw new Error(`${method}: ${reply.errorCode} ${reply.errorMessage}`);
    return reply;
  }

  /** The next members, without those who have their audiences already. */
  async function readBatch(start: string): Promise<Batch> {
    const members: Member[] = [];
    let next = start;
    do {
      const page = await scan(next);
      members.push(...page.data);
      next = page._next;
    } while (members.length < UIDS_PER_SEARCH && next);
    const uids = members.map((member) => `"${member.gy_profile_id}"`).join(',');
    const { results = [] } = await call('accounts.search', {
      query: `SELECT UID, data.lytics_segments FROM accounts WHERE UID in (${uids}) LIMIT ${members.length}`,
    });
    const held = new Map(results.map(({ UID, data }) => [UID, data?.lytics_segments?.toSorted().join()]));
    const isHeld = (member: Member) => held.get(member.gy_profile_id) === member.segments.toSorted().join();
    return { toWrite: members.filter((member) => !isHeld(member)), next };
  }

  async function* membersToWrite(): AsyncGenerator<Member> {
    let reading = readBatch('');
    for (;;) {
      const { toWrite, next } = await reading;
      // Read the next batch while this one is written.
      if (next) reading = readBatch(next);
      yield* toWrite;
      if (!next) return;
    }
  }

  const members = membersToWrite();
  const write = async () => {
    for await (const { gy_profile_id, segments } of members) {
      const data = JSON.stringify({ lytics_segments: segments });
      await call('accounts.setAccountInfo', { UID: gy_profile_id, data });
    }
  };
  await Promise.all(Array.from({ length: connections }, write));
  await toLytics.close();
}

/** Answers the parent's runs. */
export function serveRuns(open: (run: LoopRun) => Promise<{ call: Call; close(): Promise<void> }>): void {
  process.on('message', async (run: LoopRun) => {
    const { call, close } = await open(run);
    const since = performance.now();
    await exportAudience(run, call);
    const result: LoopResult = { seconds: (performance.now() - since) / 1000 };
    await close();
    process.send?.(result);
  });
  // The parent has ended.
  process.on('disconnect', () => process.exit());
}
