import type { Phase } from '../workflows/messages.ts';
import type { JobState } from './status.ts';

/** A state as people read it. */
export function stateText({
  state,
  schedule_paused,
  run,
}: {
  state: JobState;
  schedule_paused?: { note: string } | null;
  run?: { phase: Phase | null } | null;
}): string {
  const text = state === 'no_worker' ? 'no worker' : run?.phase === 'approval' ? 'needs approval' : state;
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
