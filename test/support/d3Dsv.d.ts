/** The package has no types of its own. */
declare module 'd3-dsv' {
  export function csvParseRows(text: string): string[][];
}
