/** The workflows of a worker. */
export { exportAudience } from './exportAudience.ts';
