import type { JobState } from './status.ts';

/** A state as people read it. */
export function stateText({
  state,
  schedule_paused,
  run,
}: {
  state: JobState;
  schedule_paused?: { note: string } | null;
  run?: { phase: string | null } | null;
}): string {
  const text = state === 'no_worker' ? 'no worker' : run?.phase === 'approval' ? 'needs approval' : state;
  return schedule_paused && state !== 'paused' ? `${text} (schedule paused)` : text;
}
