import { expect, it } from 'vitest';
import { jobDocument } from '../support/jobs.ts';
import { startMockRig } from '../support/mockRig.ts';
import { provided } from '../support/provided.ts';
import { untilStill } from '../support/temporal.ts';

it('writes two pages side by side, and fetches one ahead', async () => {
  // So many users that the run is fast, however long the pages are held: a slow one writes one page at a time.
  const rig = await startMockRig(provided(), { pages: 8, pageSize: 1_000, isHeld: true });
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
    expect((await handle.result()).counts).toMatchObject({ members: 8_000, updated: 8_000 });
    expect(rig.mostAtOnce()).toBe(2);
  } finally {
    await rig.stop();
  }
});
