/** Every write that Gigya received, in order of arrival, applied or refused. */
export type JournalEntry = {
  n: number;
  at: string;
  method: string;
  uid: string | null;
  type: string | null;
  oid: string | null;
  /** As sent (parsed where it is JSON). */
  data: unknown;
  applied: boolean;
  /** Whether it changed anything. */
  changed: boolean;
  errorCode: number;
  callId: string;
};

export type JournalDraft = Omit<JournalEntry, 'n' | 'at'>;

export type Journal = {
  add(draft: JournalDraft, at: number): void;
  since(n: number): JournalEntry[];
  clear(): void;
  size(): number;
};

export function createJournal(): Journal {
  let entries: JournalEntry[] = [];
  // Numbers continue after a clear, so that a reader's `since` never points at the wrong entry.
  let cleared = 0;
  return {
    add: (draft, at) => {
      entries.push({ n: cleared + entries.length + 1, at: new Date(at).toISOString(), ...draft });
    },
    since: (n) => entries.slice(Math.max(0, n - cleared)),
    clear: () => {
      cleared += entries.length;
      entries = [];
    },
    size: () => entries.length,
  };
}
