import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { Trouble } from '../activities/trouble.ts';
import type { Counts } from '../counts.ts';
import { TROUBLE_SIGNAL } from '../names.ts';

/**
 * The states that Lytics uses, and three more: `pausing` until nothing is in flight, `sleeping` during quiet
 * hours, `cancelled`.
 */
export type State = 'running' | 'pausing' | 'paused' | 'sleeping' | 'failed' | 'cancelled' | 'completed';

/** The step that a run is at. */
export type Phase = 'preflight' | 'members' | 'leavers' | 'rows' | 'approval' | 'settling' | 'done';

/** What a guarded run waits for. */
export interface Approval {
  /** Users who would lose the audience. */
  removals: number;
  /** Users who carry the audience in Gigya. */
  carriers: number;
  /** When the run fails unless somebody approves; ISO 8601. */
  until: string;
}

/** The answer to the query `progress`. Every view of a run is made from this. */
export interface Progress {
  state: State;
  phase: Phase;
  /** When the run started; ISO 8601. */
  started: string;
  job: string;
  audience: string;
  storage: string;
  /** A preview: nothing is written. */
  dry_run: boolean;
  counts: Counts;
  /** Users in the audience, as Lytics reports it; null while unknown. */
  total: number | null;
  /** Rows of this scan whose outcome is known. */
  seen: number;
  /** The pass through the audience, from 1; higher when pages may have been lost. */
  scan: number;
  /** Users per second over the last minute. */
  rate: number;
  /** Seconds until the last page at this rate; null while unknown. */
  seconds_left: number | null;
  paused: { since: string; note: string } | null;
  /** Set during quiet hours; when they end, ISO 8601. */
  sleeping: { until: string } | null;
  approval: Approval | null;
  /** Why the run is slow or waits, until it continues; or why it failed. */
  reason: string | null;
  /** The last delay or retry, with Gigya's callId if there was one. */
  last_trouble: { at: string; message: string } | null;
  /** Users who carry the audience in Gigya, counted at the end of the run. */
  in_gigya: number | null;
  warnings: string[];
}

export const progressQuery = defineQuery<Progress>('progress');

/** The note gives the reason. Rejected when the run is paused, or has written its last page. */
export const pauseUpdate = defineUpdate<string, [note: string | undefined]>('pause');

export const resumeUpdate = defineUpdate<string>('resume');

/** Lets a guarded run continue. Rejected unless `removals` is the number that waits for approval. */
export const approveUpdate = defineUpdate<string, [{ removals: number }]>('approve');

/** Ends a guarded run as `Guard`; nothing is removed. */
export const refuseUpdate = defineUpdate<string>('refuse');

export const troubleSignal = defineSignal<[Trouble]>(TROUBLE_SIGNAL);
