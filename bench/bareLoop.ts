/**
 * The baseline: the calls of an export with undici and nothing else. No retries, no rate limit, no checks, no
 * durability. Runs as a separate process, started by startBareLoop.ts.
 */
import { Pool } from 'undici';
import type { GigyaAuthorization, LyticsAuthorization } from '../src/authorizations.ts';
import { createAuthenticate } from '../src/gigya/auth.ts';

export interface BareRun {
  audience: string;
  lytics: LyticsAuthorization;
  gigya: GigyaAuthorization & { base_url: string };
}

export interface BareResult {
  seconds: number;
}

interface Member {
  gy_profile_id: string;
  segments: string[];
}

interface ScanReply {
  data: Member[];
  _next: string;
}

interface GigyaReply {
  errorCode: number;
  errorMessage?: string;
  results?: { UID: string; data?: { lytics_segments?: string[] } }[];
}

interface Batch {
  toWrite: Member[];
  next: string;
}

const UIDS_PER_SEARCH = 200;

async function exportAudience({ audience, lytics, gigya }: BareRun): Promise<void> {
  const toLytics = new Pool(lytics.base_url, { connections: 1 });
  const toGigya = new Pool(gigya.base_url, { connections: gigya.limits.connections });
  const authenticate = createAuthenticate('gigya', gigya);

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
    const form = { format: 'json', httpStatusCodes: 'false', ...params };
    const credentials = await authenticate(`${gigya.base_url}/${method}`, form, Date.now());
    const { body } = await toGigya.request({
      method: 'POST',
      path: `/${method}`,
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...credentials.headers },
      body: new URLSearchParams({ ...form, ...credentials.params }).toString(),
    });
    const reply: GigyaReply = JSON.parse(await body.text());
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
  await Promise.all(Array.from({ length: gigya.limits.connections }, write));
  await Promise.all([toLytics.close(), toGigya.close()]);
}

process.on('message', async (run: BareRun) => {
  const since = performance.now();
  await exportAudience(run);
  const result: BareResult = { seconds: (performance.now() - since) / 1000 };
  process.send?.(result);
});
// The parent has ended.
process.on('disconnect', () => process.exit());
