import { parser } from '@prometheus-io/lezer-promql';

/** The metric and labels that a query uses. */
export interface Asked {
  metric: string;
  /** `{code!="0"}` */
  matchers: { label: string; operator: string; value: string }[];
  /** Labels that the result is grouped by. */
  groupedBy: string[];
}

/** Parses a PromQL query with Prometheus' own grammar. Throws on an invalid query. */
export function readQuery(query: string): Asked[] {
  const asked: Asked[] = [];
  const textOf = ({ from, to }: { from: number; to: number }) => query.slice(from, to);
  parser.parse(query).iterate({
    enter(node) {
      if (node.type.isError) throw new Error(`Not PromQL at ${node.from}: ${query}`);
      if (node.name !== 'VectorSelector') return;
      const { node: selector } = node;
      const matchers = [...(selector.getChild('LabelMatchers')?.getChildren('UnquotedLabelMatcher') ?? [])];
      const groupedBy: string[] = [];
      for (let outer = selector.parent; outer; outer = outer.parent) {
        const labels = outer.getChild('AggregateModifier')?.getChild('GroupingLabels');
        groupedBy.push(...(labels?.getChildren('LabelName') ?? []).map(textOf));
      }
      const metric = selector.getChild('Identifier');
      if (!metric) throw new Error(`A selector without a name: ${query}`);
      asked.push({
        metric: textOf(metric),
        matchers: matchers.map((matcher) => {
          const [label, operator, value] = ['LabelName', 'MatchOp', 'StringLiteral'].map((name) => {
            const child = matcher.getChild(name);
            if (!child) throw new Error(`Not understood: ${textOf(matcher)}`);
            return textOf(child);
          });
          return { label: label ?? '', operator: operator ?? '', value: (value ?? '').slice(1, -1) };
        }),
        groupedBy,
      });
    },
  });
  return asked;
}
