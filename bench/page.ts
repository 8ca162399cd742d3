import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { drawPlot } from './plots.ts';
import type { Result } from './result.ts';

export interface Report {
  machine: { cores: number; node: string; platform: string };
  date: string;
  results: Result[];
}

const DOCS = new URL('../docs/', import.meta.url);

/** What the page was written from: a later run replaces the results that it measures. */
const KEPT = new URL('performance.json', DOCS);

/**
 * Writes docs/performance.md with a plot for each result that has one. Results of earlier runs that this one did not
 * measure stay.
 *
 * @param order The names of all scenarios.
 */
export async function writePage(report: Report, order: readonly string[]): Promise<void> {
  const measured = report.results.map((result) => ({ date: report.date, ...result }));
  const names = new Set(measured.map(({ scenario }) => scenario));
  const kept = (await readKept()).filter(({ scenario }) => order.includes(scenario) && !names.has(scenario));
  const results = [...kept, ...measured].sort(
    (one, other) => order.indexOf(one.scenario) - order.indexOf(other.scenario),
  );
  const images = new URL('images/', DOCS);
  await mkdir(images, { recursive: true });
  for (const { scenario, plot } of results)
    if (plot) await writeFile(new URL(imageOf(scenario), images), drawPlot(plot));
  const whole = { ...report, results };
  await writeFile(KEPT, `${JSON.stringify(whole)}\n`);
  await writeFile(
    new URL('performance.md', DOCS),
    asPage(
      whole,
      order.filter((name) => !results.some(({ scenario }) => scenario === name)),
    ),
  );
}

async function readKept(): Promise<Result[]> {
  try {
    const report: Report = JSON.parse(await readFile(KEPT, 'utf8'));
    return report.results;
  } catch {
    return [];
  }
}

/** @param missing Scenarios that were not measured. */
function asPage({ machine, results }: Report, missing: readonly string[]): string {
  const aims = results.flatMap((result) => result.aims);
  const missed = aims.filter(({ isMet }) => !isMet);
  return [
    '# Performance',
    '',
    `Written by \`npm run bench -- --write\`: ${machine.cores} cores, Node ${machine.node}, ${machine.platform}.`,
    'The sandbox and the Temporal server shared these cores. Compare ratios and shares of a quota with your own run;',
    'users a second depend on the machine. Where the time goes, and why, is in',
    '[decisions](decisions/) and in the comments of `src/tuning.ts`.',
    '',
    `${aims.length - missed.length} of ${aims.length} aims are met.${missed.length > 0 ? ' The others are marked **missed**.' : ''}`,
    ...(missing.length > 0 ? [`Not measured: ${missing.join(', ')}.`] : []),
    '',
    ...results.flatMap(sectionOf),
  ].join('\n');
}

function sectionOf({ scenario, title, method, head, rows, aims, plot, date }: Result): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    `## ${title}`,
    '',
    `\`npm run bench -- --only ${scenario}\`${date ? ` (${date})` : ''}. ${method}`,
    '',
    line(head),
    line(head.map((_, column) => (column === 0 ? '---' : '--:'))),
    ...rows.map(line),
    '',
    ...aims.map(
      ({ what, aim, measured, isMet }) =>
        `- ${isMet ? 'met' : '**missed**'}: ${what}: ${measured} (aim: ${aim})`,
    ),
    ...(aims.length > 0 ? [''] : []),
    ...(plot ? [`![${title}](images/${imageOf(scenario)})`, ''] : []),
  ];
}

const imageOf = (scenario: string) => `bench-${scenario}.svg`;
