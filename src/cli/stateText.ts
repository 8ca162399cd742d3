import type { Counts } from '../counts.ts';
import type { Phase } from '../workflows/messages.ts';
import { figure } from './print.ts';
import type { JobState } from './status.ts';

/** A state as people read it, with the number of users who failed. */
export function stateText({
  state,
  schedule_paused,
  run,
}: {
  state: JobState;
  schedule_paused?: { note: string } | null;
  run?: { phase: Phase | null; counts: Counts | null } | null;
}): string {
  const failed = state === 'failed' ? 0 : (run?.counts?.failed ?? 0);
  const word = state === 'no_worker' ? 'no worker' : run?.phase === 'approval' ? 'needs approval' : state;
  const text = failed > 0 ? `${word}, ${figure(failed)} failed` : word;
  return schedule_paused && state !== 'paused' ? `${text} (schedule paused)` : text;
}

const PHASES: Readonly<Record<Phase, string>> = {
  preflight: 'checking credentials, audience and field',
  members: '',
  leavers: 'correcting leavers',
  rows: '',
  approval: 'waiting for approval',
  settling: "waiting for Gigya's index",
  done: '',
};

/** What a run does besides writing members; empty while it writes them. */
export function phaseText(phase: Phase): string {
  return PHASES[phase];
}
