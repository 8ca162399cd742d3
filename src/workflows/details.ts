import type { Progress } from './progress.ts';

const BAR = 30;

/** The Web UI's status page of a run, in Markdown. */
export function detailsOf(progress: Progress): string {
  const { counts, total, seen, warnings, trouble, paused } = progress;
  const target = progress.storage === 'data_store' ? "Gigya's Data Store" : 'Gigya accounts';
  const lines = [
    `## ${plain(progress.job)}: audience \`${progress.audience.replaceAll('`', '')}\` to ${target}`,
    `**${headline(progress)}**`,
  ];
  if (total !== null)
    lines.push(`\`${bar(total === 0 ? 1 : seen / total)}\` ${figure(seen)} of ${figure(total)} users`);
  lines.push(
    ['| users | what became of them |', '| ---: | :--- |']
      .concat(Object.entries(counts).map(([name, count]) => `| ${figure(count)} | \`${name}\` |`))
      .join('\n'),
  );
  if (paused) lines.push(`Paused since ${paused.since}${paused.note ? `: ${plain(paused.note)}` : ''}`);
  if (trouble) lines.push(`**Last trouble:** ${plain(trouble)}`);
  if (progress.in_gigya !== null)
    lines.push(`Users in Gigya that carry the audience: **${figure(progress.in_gigya)}**`);
  for (const warning of warnings) lines.push(`⚠ ${plain(warning)}`);
  return lines.join('\n\n');
}

function headline({ state, phase, rate, seconds_left, dry_run, sweep }: Progress): string {
  const parts: string[] = [dry_run ? `${state} (preview: nothing is written)` : state];
  if (phase === 'preflight') parts.push('checking credentials, audience and field');
  if (phase === 'settling') parts.push("waiting until Gigya's index has caught up");
  if (rate > 0) parts.push(`${figure(rate)} users a second`);
  if (seconds_left !== null) parts.push(`about ${duration(seconds_left)} left`);
  if (sweep > 1) parts.push(`sweep ${sweep}`);
  return parts.join(' · ');
}

function bar(share: number): string {
  const filled = Math.min(BAR, Math.round(share * BAR));
  return '█'.repeat(filled) + '░'.repeat(BAR - filled);
}

export function duration(seconds: number): string {
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 360) / 10} h`;
}

function figure(value: number): string {
  return value.toLocaleString('en-US');
}

/** Keeps texts from outside from being read as Markdown. */
function plain(text: string): string {
  return text.replace(/[\r\n]+/g, ' ').replace(/[\\`*_{}[\]<>|#]/g, (char) => `\\${char}`);
}
