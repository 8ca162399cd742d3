import type { Approval, Progress } from './messages.ts';

const BAR = 25;

/** The status view of a run in the Web UI, in Markdown. Markdown tables there have no space between columns, so the figures are a code block. */
export function detailsOf(progress: Progress): string {
  const { counts, total, seen, warnings, reason, last_trouble, paused, approval, in_gigya } = progress;
  const target = progress.storage === 'data_store' ? "Gigya's Data Store" : 'Gigya accounts';
  const lines = [
    `### ${plain(progress.job)}: audience \`${progress.audience.replace(/[`\r\n]+/g, ' ')}\` to ${target}`,
    `**${headline(progress)}**`,
  ];
  if (paused)
    lines.push(`> Paused since ${moment(paused.since)}${paused.note ? `: ${plain(paused.note)}` : ''}`);
  if (approval) lines.push(...describeApproval(approval));
  if (reason) lines.push(`> ${plain(reason)}`);
  else if (last_trouble)
    lines.push(`Last delay, at ${moment(last_trouble.at)}: ${plain(last_trouble.message)}`);
  const figures = Object.entries(counts).map(([name, count]) => `${figure(count).padStart(9)}  ${name}`);
  if (total !== null)
    figures.unshift(bar(total === 0 ? 1 : seen / total), `${figure(seen)} of ${figure(total)} users`, '');
  lines.push(['```', ...figures, '```'].join('\n'));
  if (in_gigya !== null) lines.push(`Users in Gigya that carry the audience: **${figure(in_gigya)}**`);
  for (const warning of warnings) lines.push(`⚠ ${plain(warning)}`);
  return lines.join('\n\n');
}

function describeApproval({ removals, carriers, until }: Approval): string[] {
  return [
    `> **${figure(removals)}** of the ${figure(carriers)} users who carry the audience in Gigya would lose it. Nothing is removed until it is approved; otherwise the run fails at ${moment(until)}.`,
    `Approve with the update \`approve\` and the input \`{"removals": ${removals}}\`, or end the run with the update \`refuse\`.`,
  ];
}

function headline({ state, phase, rate, seconds_left, dry_run, scan }: Progress): string {
  const parts: string[] = [dry_run ? `${state} (preview: nothing is written)` : state];
  if (phase === 'preflight') parts.push('checking credentials, audience and field');
  if (phase === 'leavers') parts.push('correcting users who left the audience');
  if (phase === 'approval') parts.push('waiting for approval');
  if (phase === 'settling') parts.push("waiting until Gigya's index has caught up");
  if (rate > 0) parts.push(`${figure(rate < 10 ? rate : Math.round(rate))} users a second`);
  if (seconds_left !== null) parts.push(`about ${duration(seconds_left)} left`);
  if (scan > 1) parts.push(`scan ${scan}`);
  return parts.join(' · ');
}

function bar(share: number): string {
  const filled = Math.max(0, Math.min(BAR, Math.round(share * BAR)));
  return `${'█'.repeat(filled)}${'░'.repeat(BAR - filled)} ${Math.min(100, Math.floor(share * 100))} %`;
}

export function duration(seconds: number): string {
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 360) / 10} h`;
}

/** `2027-03-28 02:30 UTC` */
function moment(iso: string): string {
  return `${iso.slice(0, 16).replace('T', ' ')} UTC`;
}

function figure(value: number): string {
  return value.toLocaleString('en-US');
}

/** Escapes Markdown in external text. */
function plain(text: string): string {
  return text.replace(/[\r\n]+/g, ' ').replace(/[\\`*_{}[\]<>|#~&]/g, (char) => `\\${char}`);
}
