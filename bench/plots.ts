import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import type { Plot as Data } from './result.ts';

const LEGEND_WIDTH = 160;

/** Draws a plot as an SVG document that is legible on a light and on a dark page. */
export function drawPlot({ x, y, marks = [], isLogX = false, points }: Data): string {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const lines = [...new Set(points.map(({ line }) => line))];
  const figure = Plot.plot({
    document,
    width: 720,
    height: 300,
    marginTop: 40,
    marginRight: 70,
    style: { background: 'white', color: '#222', fontFamily: 'sans-serif' },
    x: { label: x, type: isLogX ? 'log' : 'linear', grid: true, ...(isLogX && { tickFormat: '~s' }) },
    y: { label: y, grid: true, zero: true },
    color: { domain: lines, scheme: 'Tableau10' },
    marks: [
      Plot.ruleY([0]),
      Plot.ruleY(marks, { y: 'y', stroke: '#888', strokeDasharray: '4 3' }),
      Plot.text(marks, {
        x: () => Math.max(...points.map((point) => point.x)),
        y: 'y',
        text: 'label',
        textAnchor: 'start',
        dx: 6,
        fill: '#666',
      }),
      Plot.line(points, { x: 'x', y: 'y', stroke: 'line', strokeWidth: 2 }),
      ...(isLogX ? [Plot.dot(points, { x: 'x', y: 'y', fill: 'line' })] : []),
      ...lines.map((line, index) =>
        Plot.text([line], {
          text: () => `● ${line}`,
          fill: () => line,
          frameAnchor: 'top-left',
          textAnchor: 'start',
          dx: 20 + index * LEGEND_WIDTH,
          dy: -24,
        }),
      ),
    ],
  });
  figure.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return `${figure.outerHTML}\n`;
}
