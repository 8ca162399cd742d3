import { afterAll, beforeAll, describe, it } from 'vitest';
import { provided } from '../support/provided.ts';
import { LEAVER_FAULTS, type LeaverRig, meetLeaving, startLeaverRig } from './leaverFaults.ts';

// One of each class; `npm run chaos -- --faults` meets them all.
describe('a run that corrects leavers ends in the right state when', () => {
  let rig: LeaverRig;
  beforeAll(async () => {
    rig = await startLeaverRig(provided(), false);
  });
  afterAll(() => rig.stop());

  it.each(LEAVER_FAULTS.filter(({ isQuick }) => isQuick))('$name', (fault) => meetLeaving(rig, fault));
}, 240_000);
