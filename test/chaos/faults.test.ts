import { afterAll, beforeAll, describe, it } from 'vitest';
import { provided } from '../support/provided.ts';
import { type Rig, startRig } from '../support/rig.ts';
import { FAULTS, meet, USERS } from './faults.ts';

// One of each class; `npm run chaos -- --faults` meets them all.
describe('a run ends in the right state when', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await startRig({ ...provided(), sandbox: { users: USERS }, timeoutMs: 700 });
  });
  afterAll(() => rig.stop());

  it.each(FAULTS.filter(({ isQuick }) => isQuick))('$name', (fault) => meet(rig, fault));
}, 240_000);
