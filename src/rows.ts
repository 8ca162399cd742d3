import type { Data } from './record.ts';

/** What a write does to a user: it adds or removes the exported audience, or changes something else. */
export type Operation = 'add' | 'change' | 'remove';

/**
 * Why a user was not written:
 * - `rejected`: the record failed
 * - `unknown_user`: Gigya has no full account with this UID
 * - `stale`: the user no longer held what the plan was made from
 */
export type FailedStatus = 'rejected' | 'unknown_user' | 'stale';

/** A user who could not be written. */
export interface FailedRow {
  /** The Gigya UID, as the Lytics ID field holds it. */
  identifier: string;
  /** Null when it failed before it was compared with Gigya. */
  operation: Operation | null;
  status: FailedStatus;
  /** Gigya's error code, or a reason of our own such as `no_answer`. */
  errorCode: string;
  /** What Gigya answered, or what is wrong with the record. */
  statusMessage: string;
  /** Gigya's handle for the call, which SAP support asks for. */
  callId: string | null;
  /** The attempt of the activity that decided it, from 1. */
  attempts: number;
  /** ISO 8601. */
  attemptedAt: string;
}

/** A user whom a preview found different in Gigya. Depends on nothing but the state of Lytics and Gigya. */
export interface ChangedRow {
  uid: string;
  operation: Operation;
  /** The fields that change, as Gigya holds them; lists are sorted, and an empty list stands for an absent one. */
  before: Readonly<Record<string, unknown>>;
  /** The same fields, as a run would write them. */
  after: Data;
}

/** Rows by the kind that people ask for. */
export interface RowsByKind {
  failed: FailedRow;
  changed: ChangedRow;
}

export type RowKind = keyof RowsByKind;

/** A run in Temporal; any link of a chain that continued as new stands for all of it. */
export interface RunReference {
  workflowId: string;
  runId: string;
}

/** Where reading a run's rows continues: after an event of a history. */
export interface RowCursor {
  runId: string;
  /** The page of the history, as Temporal names it; empty for the first. */
  page: string;
  event: string;
}

/** Asks a worker for a part of the rows of a run. */
export interface RowsQuestion {
  run: RunReference;
  kind: RowKind;
  /** Where the last part ended; null at the beginning. */
  cursor: RowCursor | null;
  /** The public key (JWK, P-256) that the answer is encrypted to. */
  publicKey: Readonly<Record<string, unknown>>;
}

export interface RowsAnswer {
  /** An encrypted part: a JSON list of rows with their cursors. Null when this part of the history has no rows. */
  part: string | null;
  /** Null at the end. */
  next: RowCursor | null;
}
