import type { Counts } from '../counts.ts';

/** Lytics' words for the state of a job; a schedule between two runs is `sleeping`. */
export type State = 'running' | 'paused' | 'failed' | 'completed';

/** What a run is at. */
export type Phase = 'preflight' | 'exporting' | 'settling' | 'done';

/** What the query `progress` answers. */
export interface Progress {
  state: State;
  phase: Phase;
  /** When the run began. */
  started: string;
  job: string;
  audience: string;
  storage: string;
  dry_run: boolean;
  counts: Counts;
  /** Users of the audience, as Lytics tells it; null until it did. */
  total: number | null;
  /** Users of the audience that this sweep has fetched. */
  seen: number;
  /** The way through the audience; more than one when pages may have been lost. */
  sweep: number;
  /** Members and leavers a second, since the run began. */
  rate: number;
  /** Seconds until the last page, at this rate; null while that cannot be told. */
  seconds_left: number | null;
  paused: { since: string; note: string } | null;
  /** What is waited for or tried again now, or what the run failed of. */
  trouble: string | null;
  /** What was waited for or tried again last, with Gigya's callId if it gave one. */
  last_trouble: { at: string; message: string } | null;
  /** Users in Gigya that carry the audience, counted at the end. */
  in_gigya: number | null;
  warnings: string[];
}
