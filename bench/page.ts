import { mkdir, writeFile } from 'node:fs/promises';
import { drawPlot } from './plots.ts';
import type { Result } from './result.ts';

export interface Report {
  machine: { cores: number; node: string; platform: string };
  date: string;
  results: Result[];
}

const DOCS = new URL('../docs/', import.meta.url);

/** Writes docs/performance.md with a plot for each result that has one. */
export async function writePage(report: Report): Promise<void> {
  const images = new URL('images/', DOCS);
  await mkdir(images, { recursive: true });
  for (const { scenario, plot } of report.results)
    if (plot) await writeFile(new URL(imageOf(scenario), images), drawPlot(plot));
  await writeFile(new URL('performance.md', DOCS), asPage(report));
}

function asPage({ machine, date, results }: Report): string {
  const aims = results.flatMap((result) => result.aims);
  const missed = aims.filter(({ isMet }) => !isMet);
  return [
    '# Performance',
    '',
    `Written by \`npm run bench -- --write\` on ${date}: ${machine.cores} cores, Node ${machine.node}, ${machine.platform}.`,
    'The sandbox and the Temporal server shared these cores. Compare ratios and shares of a quota with your own run;',
    'users a second depend on the machine. Where the time goes, and why, is in',
    '[decisions](decisions/) and in the comments of `src/tuning.ts`.',
    '',
    `${aims.length - missed.length} of ${aims.length} aims are met.${missed.length > 0 ? ' The others are marked **missed**.' : ''}`,
    '',
    ...results.flatMap(sectionOf),
  ].join('\n');
}

function sectionOf({ scenario, title, method, head, rows, aims, plot }: Result): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    `## ${title}`,
    '',
    `\`npm run bench -- --only ${scenario}\`. ${method}`,
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
