import type { Audience, Lytics, Row, ScanPage } from '../../src/lytics/client.ts';
import { refusal } from '../../src/lytics/errors.ts';

/** Lytics' refusal with this HTTP status, as the client reports it. */
export const refuse = (status: number) => refusal('Lytics refuses', status, true, 'lytics');

/** A Lytics that knows nobody, with changes. */
export function fakeLytics(changes: Partial<Lytics> = {}): Lytics {
  return {
    name: 'lytics',
    lanes: 1,
    audiences: async () => [],
    audience: async () => audience({}),
    scan: async () => pageOf([]),
    find: async () => pageOf([]),
    profile: async () => undefined,
    exportJobs: async () => [],
    exportJob: async () => ({}),
    close: async () => {},
    ...changes,
  };
}

/** The audience `vip`, with changes. */
export function audience(changes: Partial<Audience>): Audience {
  return {
    id: 'a1',
    slug_name: 'vip',
    name: 'VIP customers',
    public_name: undefined,
    is_public: true,
    size: undefined,
    ...changes,
  };
}

/** A page of a scan; the last one unless it has a cursor. */
export function pageOf(rows: Row[], changes: Partial<ScanPage> = {}): ScanPage {
  return { rows, next: '', total: undefined, retried: false, slowed: false, ...changes };
}
