/** The workflows of a worker. */
export { exportAudience } from './exportAudience.ts';
export {
  checkJob,
  listAudiences,
  listAuthorizations,
  listLyticsJobs,
  proveAuthorization,
  readLyticsJob,
  readRows,
} from './questions.ts';
