/** The workflows of a worker. */
export { exportAudience } from './exportAudience.ts';
export { exportRows } from './exportRows.ts';
export {
  checkJob,
  explainUser,
  listAudiences,
  listAuthorizations,
  listLyticsJobs,
  proveAuthorization,
  questionKey,
  readLyticsJob,
  readRows,
} from './questions.ts';
