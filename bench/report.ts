import { availableParallelism } from 'node:os';
import Table from 'cli-table3';
import type { ExportRun } from './exporter.ts';
import type { Resources } from './process.ts';

/** One run of each, in turn. */
export interface Pair {
  exporter: { full: ExportRun; nothingNew: ExportRun; searches: number };
  bare: { seconds: number } & Resources;
}

export interface Options {
  users: number;
  connections: number;
  /** In ms. */
  latency: number;
}

export type Report = ReturnType<typeof asReport>;

const AIM = 0.9;

export function asReport({ users, connections, latency }: Options, pairs: readonly Pair[]) {
  const per1000 = (value: number | undefined) => value && (value / users) * 1000;
  const runs = pairs.map(({ exporter: { full, nothingNew, searches }, bare }) => ({
    exporter: {
      users_per_second: users / full.seconds,
      cpu_seconds_per_1000_users: per1000(full.cpuSeconds),
      peak_memory_bytes: full.peakMemory,
      history_events_per_1000_users: per1000(full.history.events),
      history_bytes_per_1000_users: per1000(full.history.bytes),
    },
    bare_loop: {
      users_per_second: users / bare.seconds,
      cpu_seconds_per_1000_users: per1000(bare.cpuSeconds),
      peak_memory_bytes: bare.peakMemory,
    },
    ratio: bare.seconds / full.seconds,
    nothing_changed: { users_per_second: users / nothingNew.seconds, searches },
  }));
  const ratios = runs.map(({ ratio }) => ratio);
  return {
    machine: { cores: availableParallelism(), node: process.version, platform: process.platform },
    users,
    connections,
    latency_ms: latency,
    runs,
    ratio: { median: median(ratios), min: Math.min(...ratios), max: Math.max(...ratios), aim: AIM },
  };
}

export function asTables({ machine, users, connections, latency_ms, runs, ratio }: Report): string {
  const speed = new Table({
    head: ['run', 'exporter', 'bare loop', 'ratio', 'nothing changed', 'searches'],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [] },
  });
  for (const [index, { exporter, bare_loop, ratio, nothing_changed }] of runs.entries()) {
    speed.push([
      index + 1,
      `${figure(exporter.users_per_second)} users/s`,
      `${figure(bare_loop.users_per_second)} users/s`,
      ratio.toFixed(2),
      `${figure(nothing_changed.users_per_second)} users/s`,
      figure(nothing_changed.searches),
    ]);
  }
  const costs = new Table({
    head: ['', 'exporter', 'bare loop'],
    colAligns: ['left', 'right', 'right'],
    style: { head: [], border: [] },
  });
  const exporters = runs.map((run) => run.exporter);
  const bareLoops = runs.map((run) => run.bare_loop);
  costs.push(
    [
      'CPU, ms per user',
      figure(most(exporters.map((run) => run.cpu_seconds_per_1000_users)), 2),
      figure(most(bareLoops.map((run) => run.cpu_seconds_per_1000_users)), 2),
    ],
    [
      'peak memory, MB',
      megabytes(most(exporters.map((run) => run.peak_memory_bytes))),
      megabytes(most(bareLoops.map((run) => run.peak_memory_bytes))),
    ],
    [
      'history per 1,000 users, events',
      figure(most(exporters.map((run) => run.history_events_per_1000_users)), 1),
      '',
    ],
    [
      'history per 1,000 users, kB',
      figure(most(exporters.map((run) => (run.history_bytes_per_1000_users ?? 0) / 1000)), 1),
      '',
    ],
  );
  return [
    `${figure(users)} users, all written, ${connections} concurrent calls, ${latency_ms} ms latency; then a run in which nothing changed`,
    speed.toString(),
    `The exporter reaches ${ratio.median.toFixed(2)} of the bare loop's speed (median; ${ratio.min.toFixed(2)} to ${ratio.max.toFixed(2)}; target ${ratio.aim}).`,
    '',
    'Maximum of all runs:',
    costs.toString(),
    `Measured on ${machine.cores} cores with Node ${machine.node} (${machine.platform}), shared with the sandbox and the Temporal`,
    'server. Compare the ratio, not the figures.',
    '',
  ].join('\n');
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [below = 0, above = below] = sorted.slice(Math.ceil(middle) - 1, Math.floor(middle) + 1);
  return (below + above) / 2;
}

function most(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length > 0 ? Math.max(...known) : undefined;
}

function figure(value: number | undefined, digits = 0): string {
  return (
    value?.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits }) ?? '?'
  );
}

function megabytes(bytes: number | undefined): string {
  return bytes === undefined ? '?' : figure(bytes / 1e6);
}
