import { expect, it } from 'vitest';
import { jobDocument } from '../support/jobs.ts';
import { startMockRig } from '../support/mockRig.ts';
import { provided } from '../support/provided.ts';
import { untilStill } from '../support/temporal.ts';

it('writes two pages side by side, and fetches one ahead', async () => {
  const rig = await startMockRig(provided(), { pages: 8, pageSize: 10, isHeld: true });
  try {
    const handle = await rig.start(jobDocument('window'));
    for (let letGo = 0; letGo < 4; letGo++) {
      await untilStill(handle, (types) => types.join() === 'updateGigya,updateGigya');
      expect(rig.fetched()).toBe(3 + letGo);
      rig.letOneGo();
      // The page that was let go makes room for the one fetched ahead, and that for the next.
      await untilStill(handle, () => rig.fetched() === 4 + letGo || rig.fetched() === 8);
    }
    rig.letAllGo();
    expect((await handle.result()).counts).toMatchObject({ members: 80, updated: 80 });
    expect(rig.mostAtOnce()).toBe(2);
  } finally {
    await rig.stop();
  }
});
