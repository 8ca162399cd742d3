import { describe, expect, it } from 'vitest';
import { noCounts } from '../../src/counts.ts';
import { detailsOf, duration } from '../../src/workflows/details.ts';
import type { Progress } from '../../src/workflows/messages.ts';
import { fc } from '../support/property.ts';

const progress: Progress = {
  state: 'running',
  phase: 'members',
  started: '2026-01-15T12:00:00.000Z',
  job: 'VIPs to Gigya',
  audience: 'vip',
  storage: 'account',
  dry_run: false,
  counts: { ...noCounts(), members: 12_345, updated: 12_000, unchanged: 345 },
  total: 50_000,
  seen: 12_345,
  scan: 1,
  approval: null,
  rate: 118.4,
  seconds_left: 320,
  paused: null,
  sleeping: null,
  last_trouble: null,
  reason: null,
  in_gigya: null,
  warnings: [],
};

describe('the status page of a run', () => {
  it('shows the job, the progress and the remaining time', () => {
    const details = detailsOf(progress);
    expect(details).toContain('VIPs to Gigya: audience `vip` to Gigya accounts');
    expect(details).toContain('**running · 118 users a second · about 5 min left**');
    expect(details).toContain('12,345 of 50,000 users');
    expect(details).toMatch(/█{6}░{19} 24 %/);
    for (const name of Object.keys(progress.counts)) expect(details).toContain(name);
    expect(details).toMatch(/12,000\s+updated/);
    expect(details).not.toContain('scan ');
  });

  it.each<[what: string, more: Partial<Progress>, text: string]>([
    ['the Data Store', { storage: 'data_store' }, "to Gigya's Data Store"],
    ['a preview', { dry_run: true }, '**running (preview: nothing is written)'],
    ['the preflight', { phase: 'preflight' }, 'checking credentials, audience and field'],
    ['the wait for the index', { phase: 'settling' }, "waiting until Gigya's index has caught up"],
    ['another scan', { scan: 2 }, 'scan 2'],
    [
      'a pause with its note',
      { state: 'paused', paused: { since: '2026-01-15T12:34:56.000Z', note: 'until Monday' } },
      'Paused since 2026-01-15 12:34 UTC: until Monday',
    ],
    [
      'a pause without one',
      { paused: { since: '2026-01-15T12:34:56.000Z', note: '' } },
      'Paused since 2026-01-15 12:34 UTC\n',
    ],
    ['trouble', { reason: 'Gigya is away' }, 'Gigya is away'],
    ['the audit', { in_gigya: 49_000 }, 'Users in Gigya that carry the audience: **49,000**'],
    ['warnings', { warnings: ['one', 'two'] }, '⚠ one\n\n⚠ two'],
    ['an empty audience', { total: 0, seen: 0 }, '100 %'],
    ['more users than Lytics told', { total: 10, seen: 12 }, '100 %'],
  ])('shows %s', (_what, more, text) => {
    expect(detailsOf({ ...progress, ...more })).toContain(text);
  });

  it('keeps showing the last trouble after it has passed, with the callId', () => {
    const last_trouble = { at: '2027-03-28T01:30:00.000Z', message: 'Gigya answered 500001, callId abc' };
    expect(detailsOf({ ...progress, last_trouble })).toContain(
      'Last delay, at 2027-03-28 01:30 UTC: Gigya answered 500001, callId abc',
    );
    expect(detailsOf({ ...progress, last_trouble, reason: 'Now it is this' })).not.toContain('500001');
  });

  it('shows no bar until Lytics has reported the total', () => {
    expect(detailsOf({ ...progress, total: null })).not.toMatch(/[█░%]/);
  });
});

/** What is left for Markdown to read when escapes and plain characters are taken out. */
function markup(markdown: string): string {
  return markdown.replace(/\\[!-/:-@[-`{-~]/g, '').replace(/[^\\`*_{}[\]<>|#~&\n\r]/g, '');
}

describe('external texts', () => {
  const texts = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: fc.constantFrom(...'`*_{}[]<>|#~&\\!()\n\r-+.1 '.split('')), maxLength: 40 }),
    fc.constantFrom(
      '\n\n# Injected',
      '\r\n```\n| a | b |',
      '![x](https://evil.example.com/pixel.png)',
      '[click](javascript:alert(1))',
      '<script>alert(1)</script>',
      '~~gone~~ **bold** `code`',
      '&lt;b&gt;',
      '\\',
      '\\*not\\*',
    ),
  );

  it.each<[where: string, place: (text: string) => Partial<Progress>]>([
    ['the name of the job', (job) => ({ job })],
    ['the trouble', (reason) => ({ reason: `x${reason}` })],
    ['the note of a pause', (note) => ({ paused: { since: '2026-01-15T12:34:56.000Z', note: `x${note}` } })],
    ['a warning', (warning) => ({ warnings: [warning] })],
  ])('inject no Markdown through %s', (_where, place) => {
    const harmless = markup(detailsOf({ ...progress, ...place('x') }));
    fc.assert(
      fc.property(texts, (text) => {
        expect(markup(detailsOf({ ...progress, ...place(text) }))).toBe(harmless);
      }),
    );
  });

  it('inject no Markdown through the audience, which is formatted as code', () => {
    const shape = (audience: string) => {
      const details = detailsOf({ ...progress, audience });
      return [details.split('`').length, details.split(/[\r\n]/).length];
    };
    fc.assert(
      fc.property(texts, (audience) => {
        expect(shape(audience)).toEqual(shape('vip'));
      }),
    );
  });
});

describe('a duration', () => {
  it.each([
    [0, '0 s'],
    [89, '89 s'],
    [90, '2 min'],
    [5_399, '90 min'],
    [5_400, '1.5 h'],
    [36_000, '10 h'],
  ])('of %i seconds is %s', (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });
});
