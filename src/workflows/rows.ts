import type { RowsPage } from '../activities/fetchRows.ts';
import type { RowCursor } from '../rows.ts';
import type { Selection } from '../selection.ts';
import { activities } from './activities.ts';
import { countCarriers } from './ending.ts';
import { passGuard } from './leavers.ts';
import { type Pumped, pump, type Source, type Step } from './pump.ts';
import { beginRun, type Run } from './run.ts';

/** The state of a run that exports rows. */
export interface RowsRun extends Run {
  rows: Rows;
}

export interface Rows {
  step: 'write' | 'decide' | 'remove' | 'done';
  /** Where reading continues; null at the beginning. */
  cursor: RowCursor | null;
  isRead: boolean;
  /** Members of the audience that a plan's preview counted. */
  members?: number;
  /** Users who lose the audience: they are left out at first, and written after the guard. */
  removals: readonly Removals[];
}

/** The users of one page who lose the audience. */
export interface Removals {
  /** Where the page begins. */
  cursor: RowCursor | null;
  /** Their positions in the page, one bit each. */
  positions: string;
  users: number;
}

export function beginRowsRun(now: number): RowsRun {
  return { ...beginRun(now), rows: { step: 'write', cursor: null, isRead: false, removals: [] } };
}

/** Exports the selected rows. Nobody loses the audience before all rows are read and the guard has accepted the number. */
export async function exportSelected(run: RowsRun, selection: Selection, step: Step): Promise<void> {
  const { rows } = run;
  run.mayAllFail = selection.rows === 'failures';
  if (rows.step === 'write') {
    step.desk.show('rows');
    await pump(new OtherRows(run, selection, step), step);
    rows.step = rows.removals.length > 0 ? 'decide' : 'done';
  }
  if (rows.step === 'decide') {
    await decide(run, step);
    rows.step = 'remove';
  }
  if (rows.step === 'remove') {
    step.desk.show('rows');
    await pump(new RemovedRows(run, selection, step), step);
    rows.step = 'done';
  }
}

/** The guard is that of a run: it compares the removals with those who carry the audience. */
async function decide(run: RowsRun, step: Step): Promise<void> {
  const { plan } = step;
  const removals = run.rows.removals.reduce((sum, { users }) => sum + users, 0);
  run.leavers.removals = removals;
  run.leavers.carriers = (await countCarriers(plan))?.carriers ?? plan.audience.size ?? removals;
  // An audience of unknown size counts as not empty.
  await passGuard(step, run.rows.members ?? plan.audience.size ?? 1);
}

/** All rows but those of users who lose the audience. */
class OtherRows implements Source {
  constructor(
    private readonly run: RowsRun,
    private readonly selection: Selection,
    private readonly step: Step,
  ) {}

  async next(): Promise<Pumped | null> {
    const { rows } = this.run;
    if (rows.isRead) return null;
    const { cursor } = rows;
    const page = await fetchRows(this.step, this.selection, cursor);
    const { next, removals, total, members } = page;
    rows.cursor = next;
    if (members !== undefined) rows.members = members;
    rows.isRead = next === null;
    if (removals) rows.removals = [...rows.removals, { ...removals, cursor }];
    this.run.total = total ?? this.run.total;
    return pumped(page, this.run);
  }
}

/** The rows of users who lose the audience. */
class RemovedRows implements Source {
  constructor(
    private readonly run: RowsRun,
    private readonly selection: Selection,
    private readonly step: Step,
  ) {}

  async next(): Promise<Pumped | null> {
    const { rows } = this.run;
    const [first, ...others] = rows.removals;
    if (!first) return null;
    const page = await fetchRows(this.step, this.selection, first.cursor, first.positions);
    rows.removals = others;
    return pumped(page, this.run);
  }
}

function fetchRows(
  { plan, run }: Step,
  selection: Selection,
  cursor: RowCursor | null,
  only?: string,
): Promise<RowsPage> {
  const summary = `${selection.rows} from row ${(run.scan.fetched + 1).toLocaleString('en-US')}`;
  const input = { plan, selection, cursor, ...(only !== undefined && { only }) };
  return activities.fetchRows.executeWithOptions({ summary }, [input]);
}

function pumped(page: RowsPage, { scan }: RowsRun): Pumped {
  const { members = 0, left = 0 } = page.counts;
  const rows = members + left;
  scan.fetched += rows;
  return {
    page,
    rows,
    isSettled: true,
    summary: `${rows.toLocaleString('en-US')} rows`,
    ...(page.expected !== undefined && { expected: page.expected }),
  };
}
