import type { FaultRule } from './faults.ts';
import type { AccountType } from './gigya/lite.ts';
import type { Schema } from './gigya/schema.ts';
import type { Account, UpdateBehavior } from './gigya/state.ts';
import type { JournalDraft } from './journal.ts';
import type { Job } from './lytics/jobs.ts';
import type { Audience, Row } from './lytics/state.ts';
import type { OddKind } from './population.ts';
import type { SettingsPatch } from './settings.ts';

type Data = Readonly<Record<string, unknown>>;

/** A write as it came in; what became of it is found out where it is applied. */
export type WriteDraft = Omit<JournalDraft, 'applied' | 'changed'>;

export type PopulationChange =
  | { action: 'enter' | 'leave' | 'change'; audience: string; count: number }
  | { action: 'odd'; audience: string; count: number; kinds: readonly OddKind[] };

/** Everything that changes the sandbox. Applied in order they give the same state: that is what `--state` keeps. */
export type Event =
  | { type: 'settings'; patch: SettingsPatch }
  | { type: 'faults.add'; rules: FaultRule[] }
  | { type: 'faults.clear' }
  | { type: 'fault'; rule: string; fired: boolean }
  | { type: 'account.write'; draft: WriteDraft; uid: string; data?: Data; profile?: Data }
  | { type: 'account.put'; account: Account }
  | { type: 'account.remove'; uid: string }
  | {
      type: 'object.write';
      draft: WriteDraft;
      store: string;
      uid: string;
      oid: string;
      data: Data;
      behavior: UpdateBehavior;
    }
  | { type: 'object.remove'; draft?: WriteDraft; store: string; uid: string; oid: string }
  | { type: 'schema'; draft?: WriteDraft; of: 'data' | 'profile' | { store: string }; schema: Schema }
  | { type: 'refused'; draft: WriteDraft }
  | { type: 'cursor.open'; id: string; store: string | null; query: string; types: readonly AccountType[] }
  | { type: 'cursor.used'; id: string }
  | { type: 'row.put'; row: Row }
  | { type: 'row.remove'; key: number }
  | { type: 'audience.put'; audience: Audience }
  | { type: 'audience.remove'; id: string }
  | { type: 'job.put'; job: Job }
  | { type: 'population'; change: PopulationChange }
  | { type: 'scan.open'; id: string; scan: ScanOrder }
  | { type: 'scan.used'; id: string; position: number }
  | { type: 'journal.clear' }
  | { type: 'stats.clear' }
  | { type: 'counted'; method: string; outcome: string };

export type ScanOrder = {
  audience: string | null;
  filter: string | null;
  splits: number[] | null;
  sortField: string | null;
  descending: boolean;
};
