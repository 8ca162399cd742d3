import { ApplicationFailure, setHandler } from '@temporalio/workflow';
import type { Trouble } from '../activities/trouble.ts';
import { REFUSED } from '../names.ts';
import {
  approveUpdate,
  pauseUpdate,
  progressQuery,
  refuseUpdate,
  resumeUpdate,
  troubleSignal,
} from './messages.ts';
import type { Run } from './run.ts';
import type { Status } from './status.ts';

/** Registers the run's query, signal and updates. */
export function registerControls(run: Run, status: Status): void {
  setHandler(progressQuery, () => status.progress(), {
    description: 'The progress of the run, and what it waits for',
  });
  // Anyone can send a signal: an exception in its handler would block the run for good.
  const report = (trouble: unknown) => {
    if (isTrouble(trouble)) status.report(trouble);
  };
  setHandler(troubleSignal, report, { description: 'An activity reports why it is slow' });
  registerPause(run, status);
  registerGuard(run, status);
}

function isTrouble(value: unknown): value is Trouble {
  if (typeof value !== 'object' || value === null) return false;
  if (!('activity' in value && 'reason' in value)) return false;
  return typeof value.activity === 'string' && (value.reason === null || typeof value.reason === 'string');
}

function registerPause(run: Run, status: Status): void {
  setHandler(
    pauseUpdate,
    (note) => {
      run.paused = { since: Date.now(), note: note ?? '' };
      status.refresh();
      return status.inFlight > 0
        ? 'The run pauses when the pages in flight are written'
        : 'The run is paused';
    },
    {
      description: 'Pauses the run; the input is a note for the next person',
      validator: (note) => {
        if (note !== undefined && note !== null && typeof note !== 'string') refuse('The note must be text');
        if (run.paused)
          refuse(`The run is already paused, since ${new Date(run.paused.since).toISOString()}`);
        if (status.phase === 'settling' || status.phase === 'done') {
          refuse('The run has already written its last page');
        }
      },
    },
  );
  setHandler(
    resumeUpdate,
    () => {
      run.paused = null;
      status.restartRate();
      return 'The run continues';
    },
    {
      description: 'Resumes a paused run',
      validator: () => {
        if (!run.paused) refuse('The run is not paused');
      },
    },
  );
}

function registerGuard(run: Run, status: Status): void {
  const assertWaits = () => {
    if (status.phase !== 'approval' || run.leavers.approval?.answer !== null) {
      refuse('The run is not waiting for approval');
    }
  };
  const answer = (given: 'approved' | 'refused') => {
    if (run.leavers.approval) run.leavers.approval.answer = given;
  };
  setHandler(
    approveUpdate,
    ({ removals }) => {
      answer('approved');
      return `Approved: the audience is removed from ${removals} users`;
    },
    {
      description: 'Approves the removal of the audience from this many users: {"removals": N}',
      validator: (input: unknown) => {
        assertWaits();
        const given =
          typeof input === 'object' && input !== null && 'removals' in input ? input.removals : undefined;
        const { removals } = run.leavers;
        if (given !== removals)
          refuse(`${removals} removals wait for approval; the number given must be the same`);
      },
    },
  );
  setHandler(
    refuseUpdate,
    () => {
      answer('refused');
      return 'Refused: the run fails, and nobody loses the audience';
    },
    { description: 'Ends a guarded run without removing anything', validator: assertWaits },
  );
}

function refuse(reason: string): never {
  throw ApplicationFailure.nonRetryable(reason, REFUSED);
}
