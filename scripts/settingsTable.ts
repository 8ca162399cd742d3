import { type SettingRow, settingsTable } from '../src/jobReference.ts';

const BEGIN = '<!-- settings: written by "npm run schema" -->\n';
const END = '<!-- end of settings -->\n';

/** The page with its table of settings regenerated, in Markdown. */
export function withSettingsTable(page: string): string {
  const [before = '', rest, ...more] = page.split(BEGIN);
  const [, after] = rest?.split(END) ?? [];
  if (after === undefined || more.length > 0) throw new Error(`The page must have ${BEGIN} and ${END} once`);
  return `${before}${BEGIN}${markdownTable(settingsTable())}${END}${after}`;
}

function markdownTable(rows: readonly SettingRow[]): string {
  const lines = rows.map(({ setting, type, default: fallback, meaning }) => {
    const cells = [`\`${setting}\``, typeOf(type), codeOf(fallback), meaning];
    return `| ${cells.join(' | ')} |\n`;
  });
  return ['| setting | type | default | meaning |\n', '| --- | --- | --- | --- |\n', ...lines].join('');
}

/** A vertical bar would end the table cell. */
function typeOf(type: string): string {
  if (!type.startsWith('"')) return type;
  return type
    .split(' | ')
    .map((value) => `\`${value}\``)
    .join(', ');
}

/** `required` and `none` are words; everything else is JSON. */
function codeOf(value: string): string {
  return value === 'required' || value === 'none' ? value : `\`${value}\``;
}
