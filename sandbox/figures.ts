/** What a total or size in a reply can be. */
export const figureKinds = ['right', 'absent', 'null', 'minus_one', 'negative', 'wrong'] as const;
export type FigureKind = (typeof figureKinds)[number];

/** The number as a reply shows it; undefined leaves the key out of the JSON. */
export function figure(value: number, kind: FigureKind): number | null | undefined {
  switch (kind) {
    case 'right':
      return value;
    case 'absent':
      return undefined;
    case 'null':
      return null;
    case 'minus_one':
      return -1;
    case 'negative':
      return -value - 7;
    case 'wrong':
      return 2 * value + 17;
  }
}
