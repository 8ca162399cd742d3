/** One line of a Prometheus endpoint: `gigya_calls_total{code="0",method="accounts.search"} 17`. */
export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

/** The samples that an endpoint serves. Throws on an invalid line. */
export function parseSamples(served: string): Sample[] {
  return served
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, name, labels = '', value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      if (name === undefined) throw new Error(`No sample: ${line}`);
      const pairs = labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g);
      return {
        name,
        labels: Object.fromEntries([...pairs].map(([, key = '', text = '']) => [key, text])),
        value: Number(value),
      };
    });
}

/** The sum of all samples of a name that carry these labels; undefined when there is none. */
export function totalOf(
  samples: readonly Sample[],
  name: string,
  labels: Record<string, string> = {},
): number | undefined {
  const found = samples.filter(
    (sample) =>
      sample.name === name && Object.entries(labels).every(([key, text]) => sample.labels[key] === text),
  );
  return found.length === 0 ? undefined : found.reduce((sum, { value }) => sum + value, 0);
}
