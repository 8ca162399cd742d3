/** The workflows of a worker. */
export { exportAudience } from './exportAudience.ts';
export { checkJob, listAudiences, listAuthorizations, proveAuthorization } from './questions.ts';
