import type { Sandbox } from '../sandbox/client.ts';

/** Calls to Gigya between two looks at the sandbox's counts. */
export interface Sample {
  /** Seconds since the first look. */
  at: number;
  /** How long it is, in seconds. */
  seconds: number;
  /** Calls that were answered, of those that the quota counts. */
  answered: number;
  searches: number;
  /** Calls that were answered with 403048: over the quota. */
  rejected: number;
}

const OVER_QUOTA = '403048';

/** Counts the calls in each second until `end` settles. */
export async function sampleCalls(
  { admin }: Sandbox,
  end: Promise<unknown>,
  each: (seconds: number) => Promise<void> = async () => undefined,
): Promise<Sample[]> {
  const samples: Sample[] = [];
  let isOver = false;
  const over = end.then(
    () => {
      isOver = true;
    },
    () => {
      isOver = true;
    },
  );
  const began = performance.now();
  let before = { at: 0, ...(await countCalls(admin)) };
  while (!isOver) {
    await Promise.race([over, new Promise((resolve) => setTimeout(resolve, 1_000))]);
    const at = (performance.now() - began) / 1_000;
    const now = { at, ...(await countCalls(admin)) };
    samples.push({
      at,
      seconds: at - before.at,
      answered: now.answered - before.answered,
      searches: now.searches - before.searches,
      rejected: now.rejected - before.rejected,
    });
    before = now;
    await each(at);
  }
  await end;
  return samples;
}

async function countCalls(admin: Sandbox['admin']) {
  const { calls } = await admin.stats();
  let answered = 0;
  let rejected = 0;
  let searches = 0;
  for (const [method, outcomes] of Object.entries(calls)) {
    if (!method.includes('.')) continue;
    for (const [outcome, count] of Object.entries(outcomes)) {
      if (outcome === OVER_QUOTA) rejected += count;
      else if (method.endsWith('.search')) searches += count;
      else answered += count;
    }
  }
  return { answered, rejected, searches };
}

/** Sums over the samples between two moments, in seconds. */
export function between(samples: readonly Sample[], from: number, to: number) {
  const inside = samples.filter(({ at, seconds }) => at - seconds >= from && at <= to);
  const sum = (pick: (sample: Sample) => number) => inside.reduce((total, sample) => total + pick(sample), 0);
  const seconds = sum((sample) => sample.seconds);
  const rejected = sum((sample) => sample.rejected);
  const answered = sum((sample) => sample.answered);
  const searches = sum((sample) => sample.searches);
  return {
    seconds,
    callsPerSecond: answered / seconds,
    searchesPerSecond: searches / seconds,
    rejectedShare: rejected / Math.max(1, answered + searches + rejected),
  };
}
