import { describe, expect, it } from 'vitest';
import { between, type Sample } from '../../bench/calls.ts';
import { type HistoryEvent, secondsUntilLastPage } from '../../bench/exporter.ts';
import { drawPlot } from '../../bench/plots.ts';
import { median, spread } from '../../bench/result.ts';

/** One second each: so many answered calls, and one search. */
const samplesOf = (answered: number[], rejected = 0): Sample[] =>
  answered.map((calls, index) => ({ at: index + 1, seconds: 1, answered: calls, searches: 1, rejected }));

describe('rates of calls', () => {
  it('count only the samples that lie within the time', () => {
    const samples = samplesOf([0, 50, 100, 100, 100, 30]);
    expect(between(samples, 2, 5)).toMatchObject({
      seconds: 3,
      callsPerSecond: 100,
      searchesPerSecond: 1,
      rejectedShare: 0,
    });
  });

  it('name the share of the rejected among all calls, searches included', () => {
    expect(between(samplesOf([97, 97], 2), 0, 2).rejectedShare).toBe(0.02);
  });
});

describe('several runs', () => {
  it('are summed up by the median, the least and the most', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(spread([0.8, 0.7, 0.9])).toBe('0.80 (0.70–0.90)');
    expect(spread([0.8])).toBe('0.80');
  });
});

it('the time of a run ends with its last page, also when event ids begin again after it continued as new', () => {
  const at = (seconds: number, id: number, event: object) => ({
    ...event,
    eventId: { toString: () => String(id) },
    eventTime: { seconds, nanos: 0 },
  });
  const started = { workflowExecutionStartedEventAttributes: {} };
  const scheduled = (name: string) => ({ activityTaskScheduledEventAttributes: { activityType: { name } } });
  const completed = (id: number) => ({ activityTaskCompletedEventAttributes: { scheduledEventId: id } });
  const events = [
    at(100, 1, started),
    at(101, 5, scheduled('updateGigya')),
    at(103, 7, completed(5)),
    at(104, 1, started),
    at(105, 5, scheduled('fetchLeavers')),
    at(109, 7, completed(5)),
  ];
  expect(secondsUntilLastPage(events as unknown as HistoryEvent[])).toBe(3);
});

it('a plot is an SVG that names its lines, its axes and its marks', () => {
  const svg = drawPlot({
    x: 'seconds',
    y: 'calls',
    marks: [{ y: 5, label: 'quota' }],
    points: [
      { x: 0, y: 1, line: 'answered' },
      { x: 1, y: 4, line: 'answered' },
      { x: 0, y: 0, line: 'rejected' },
      { x: 1, y: 1, line: 'rejected' },
    ],
  });
  expect(svg).toMatch(/^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  for (const text of ['answered', 'rejected', 'seconds', 'calls', 'quota']) expect(svg).toContain(text);
  expect(svg.match(/<path [^>]*d="M/g)?.length).toBeGreaterThanOrEqual(2);
});
