import type { AddCommand } from '../command.ts';
import { addApply } from './apply.ts';
import { addApprove, addRefuse } from './approve.ts';
import { addCancel } from './cancel.ts';
import { addCheck } from './check.ts';
import { addCreate } from './create.ts';
import { addDelete } from './delete.ts';
import { addExplain } from './explain.ts';
import { addFailures } from './failures.ts';
import { addFollow } from './follow.ts';
import { addHelp } from './help.ts';
import { addHistory } from './history.ts';
import { addImport } from './import.ts';
import { addList } from './list.ts';
import { addPause, addResume } from './pause.ts';
import { addPreview } from './preview.ts';
import { addRetry } from './retry.ts';
import { addRun } from './run.ts';
import { addStatus } from './status.ts';
import { addTrigger } from './trigger.ts';

/** All commands, in the order of the help. */
export const COMMANDS: readonly AddCommand[] = [
  addCheck,
  addPreview,
  addRun,
  addCreate,
  addImport,
  addList,
  addStatus,
  addHistory,
  addFailures,
  addExplain,
  addRetry,
  addApply,
  addFollow,
  addPause,
  addResume,
  addApprove,
  addRefuse,
  addCancel,
  addTrigger,
  addDelete,
  addHelp,
];
