/** `npm run chaos -- --kills 100 [--seed 1] [--lanes 2]`: kills workers in run after run, and tells what came of it. */
import { parseArgs } from 'node:util';
import pMap from 'p-map';
import { createRandom } from '../../sandbox/random.ts';
import { startDevServer } from '../../scripts/dev-server.ts';
import { type KillReport, killedRun } from './kills.ts';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '20' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    lanes: { type: 'string', default: '2' },
  },
});
