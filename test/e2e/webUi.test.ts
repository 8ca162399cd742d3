import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { findChromium, launchChromium, NO_CHROMIUM } from '../../scripts/chromium.ts';
import { type DevServer, startDevServer } from '../../scripts/devServer.ts';
import { runOnce } from '../../src/cli/startJob.ts';
import { parseJob } from '../../src/job.ts';
import { jobDocument } from '../support/jobs.ts';
import { type Rig, startRig } from '../support/rig.ts';
import type { ExportHandle } from '../support/temporal.ts';
import { until } from '../support/until.ts';

const USERS = 30_000;
const chromium = await findChromium();
// On a machine for tests, a browser that is missing is a fault of the machine.
const isLeftOut = chromium === undefined && process.env['CI'] !== 'true';
if (isLeftOut) console.warn(`The test of the Web UI in a browser was LEFT OUT: ${NO_CHROMIUM}`);

describe.skipIf(isLeftOut)("Temporal's Web UI of a run under way, in a browser", () => {
  let server: DevServer;
  let rig: Rig;
  let browser: Browser;
  let page: Page;
  let run: ExportHandle;

  beforeAll(async () => {
    if (chromium === undefined) throw new Error(`The Web UI cannot be looked at: ${NO_CHROMIUM}`);
    // The server of the other tests has no Web UI.
    [server, browser] = await Promise.all([startDevServer({ ui: true }), launchChromium(chromium)]);
    page = await browser.newPage({ colorScheme: 'light', viewport: { width: 1280, height: 1400 } });
    rig = await startRig({
      address: server.address,
      workflowBundle: { codePath: inject('workflowBundle') },
      // Slow enough to be under way for as long as it is looked at.
      sandbox: { users: USERS, limits: [1000, 100] },
    });
    const { workflowId } = await runOnce(rig, parseJob(jobDocument('VIPs to Gigya')));
    run = rig.client.workflow.getHandle(workflowId);
  });
  afterAll(async () => {
    await run?.terminate().catch(() => undefined);
    await rig?.stop();
    await browser?.close();
    await server?.stop();
  });

  async function open(tab: string): Promise<void> {
    const { workflowId, runId } = await run.describe();
    const path = `${encodeURIComponent(workflowId)}/${runId}/${tab}`;
    await page.goto(`${server.uiUrl}/namespaces/default/workflows/${path}`);
  }

  /** The texts on the page; what is Markdown stands in frames. */
  async function shown(): Promise<string> {
    const texts = page.frames().map((frame) => frame.evaluate('document.body.innerText').catch(() => ''));
    return (await Promise.all(texts)).join('\n');
  }

  /** Looks again and again, as a person does with the key R, until the page shows what is waited for. */
  function untilShown(what: RegExp): Promise<RegExpExecArray> {
    return until(
      async () => {
        const found = what.exec(await shown());
        if (!found) await page.keyboard.press('r');
        return found ?? undefined;
      },
      { intervalMs: 250 },
    );
  }

  async function countShown(name: string): Promise<number> {
    const [, figure = ''] = await untilShown(new RegExp(`([\\d,]+) +${name}`));
    return Number(figure.replaceAll(',', ''));
  }

  it('shows the job, the audience and the progress', async () => {
    await open('user-metadata');
    await untilShown(/VIPs to Gigya: audience vip to accounts/);
    await untilShown(/VIPs to Gigya: audience vip to Gigya accounts/);
    await untilShown(/running · [\d,.]+ users a second · about \d+ (s|min) left/);
    await untilShown(/[█░]{25} \d+ %\n[\d,]+ of 30,000 users/);
  });

  it('changes between two observations', async () => {
    const before = await countShown('updated');
    const after = await until(
      async () => {
        await page.keyboard.press('r');
        const count = await countShown('updated');
        return count !== before && count;
      },
      { intervalMs: 250 },
    );
    expect(after).toBeGreaterThan(before);
    expect(await countShown('members')).toBeGreaterThanOrEqual(after);
  });

  it('shows a pause with its note', async () => {
    await run.executeUpdate<string, [string]>('pause', { args: ['Gigya is being *moved*'] });
    await untilShown(/paused/);
    await untilShown(/Paused since 20\d\d-\d\d-\d\d \d\d:\d\d UTC: Gigya is being \*moved\*/);
  });

  it('names the members of each page in the history', async () => {
    await open('history');
    // The newest are shown first, and older ones stand on further pages.
    for (const summary of [/^members [\d,]+–[\d,]+$/, /^from member [\d,]+$/])
      await page.getByText(summary).first().waitFor();
    const row = page.getByTestId('event-summary-row').filter({ hasText: /members [\d,]+–[\d,]+/ });
    expect(await row.first().textContent()).toContain('updateGigya');
  });

  it("shows Gigya's error with the callId when a call fails", async () => {
    const broken = { kind: 'gigya_error', code: 500001, message: 'General Server Error' } as const;
    await rig.sandbox.admin.addFaults({ match: { method: 'accounts.setAccountInfo' }, action: broken });
    await run.executeUpdate('resume');
    await open('user-metadata');
    await untilShown(/updateGigya, attempt \d+: accounts\.setAccountInfo: Gigya answered 500001/);
    await untilShown(/callId [0-9a-f]{32}.*retrying/);
    await rig.sandbox.admin.clearFaults();
  });

  it("shows that it waits for Gigya's rate limit", async () => {
    await rig.sandbox.admin.patchSettings({ gigya: { callsPerSecond: 20 } });
    await untilShown(/Gigya limits the rate to about [\d.]+ calls a second/);
  });
});
