import type { FaultRule } from './faults.ts';
import type { AccountType } from './gigya/lite.ts';
import type { Schema } from './gigya/schema.ts';
import type { Account, ObjectWrite } from './gigya/state.ts';
import type { JournalDraft } from './journal.ts';
import type { Job } from './lytics/jobs.ts';
import type { Audience, Row } from './lytics/state.ts';
import type { Stays } from './population/changes.ts';
import type { OddKind } from './population/odd.ts';
import type { SettingsPatch } from './settings.ts';

type Data = Readonly<Record<string, unknown>>;

/** A write as it was received; whether it succeeds is decided where it is applied. */
export type WriteDraft = Omit<JournalDraft, 'applied' | 'changed'>;

export type PopulationChange =
  | { action: 'enter' | 'remove' | 'change'; audience: string; count: number }
  | { action: 'leave'; audience: string; count: number; stays?: Stays }
  | { action: 'odd'; audience: string; count: number; kinds: readonly OddKind[] };

/** Changes to the sandbox itself. */
export type ControlEvent =
  | { type: 'settings'; patch: SettingsPatch }
  | { type: 'faults.add'; rules: FaultRule[] }
  | { type: 'faults.clear' }
  | { type: 'fault'; rule: string; fired: boolean }
  | { type: 'refused'; draft: WriteDraft }
  | { type: 'journal.clear' }
  | { type: 'stats.clear' }
  | { type: 'counted'; method: string; outcome: string };

/** Changes to Gigya. A write without a draft is another writer's, and not in the journal. */
export type GigyaEvent =
  | { type: 'account.write'; draft: WriteDraft; uid: string; data?: Data; profile?: Data }
  /** `keepBaseline`: what `verify` compares with stays as it was. */
  | { type: 'account.put'; account: Account; keepBaseline?: true }
  | { type: 'account.remove'; uid: string }
  | ({ type: 'object.write'; draft?: WriteDraft; store: string } & ObjectWrite)
  | { type: 'object.remove'; draft?: WriteDraft; store: string; uid: string; oid: string }
  | { type: 'schema'; draft?: WriteDraft; of: 'data' | 'profile' | { store: string }; schema: Schema }
  | {
      type: 'cursor.open';
      id: string;
      /** Null is accounts.search. */
      store: string | null;
      query: string;
      types: readonly AccountType[];
    }
  | { type: 'cursor.used'; id: string };

/** Changes to Lytics, or to both. */
export type LyticsEvent =
  | { type: 'row.put'; row: Row }
  | { type: 'row.remove'; key: number }
  | { type: 'audience.put'; audience: Audience }
  | { type: 'audience.remove'; id: string }
  | { type: 'job.put'; job: Job }
  | { type: 'population'; change: PopulationChange }
  | { type: 'scan.open'; id: string; scan: ScanOrder }
  | { type: 'scan.used'; id: string; position: number };

/** Everything that changes the sandbox. Applied in order they give the same state: that is what `--state` keeps. */
export type Event = ControlEvent | GigyaEvent | LyticsEvent;

export type ScanOrder = {
  audience: string | null;
  filter: string | null;
  splits: number[] | null;
  sortField: string | null;
  descending: boolean;
};
