/**
 * Takes the README's screenshots of Temporal's Web UI (docs/images/*.png) with real runs: `npm run pictures`. Needs
 * Chromium (scripts/chromium.ts).
 */
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import type { Locator, Page } from 'playwright-core';
import { startSandbox } from '../sandbox/client.ts';
import { findChromium, launchChromium, NO_CHROMIUM } from './chromium.ts';
import { startDevServer } from './devServer.ts';
import { startProgram, startWorker } from './program.ts';

const IMAGES = fileURLToPath(new URL('../docs/images/', import.meta.url));
/** With the navigation collapsed, the content is a little over 1200 wide. */
const VIEWPORT = { width: 1300, height: 1400 };
const MARGIN = 20;

new Command('npm run pictures').description("Takes the README's screenshots in docs/images").parse();

const endings: (() => Promise<unknown>)[] = [];
try {
  await takePictures();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  for (const end of endings.reverse()) await end();
}

async function takePictures(): Promise<void> {
  const chromium = await findChromium();
  if (chromium === undefined) throw new Error(`No pictures: ${NO_CHROMIUM}`);
  await mkdir(IMAGES, { recursive: true });
  const folder = await mkdtemp(join(tmpdir(), 'gigya-export-pictures-'));
  endings.push(() => rm(folder, { recursive: true, force: true }));
  const temporal = await startDevServer({ ui: true, log: console.error });
  endings.push(() => temporal.stop());
  const sandbox = await startSandbox({
    users: 20_000,
    limits: [3000, 300],
    indexLagMs: 0,
    authorizations: join(folder, 'authorizations.json'),
  });
  endings.push(() => sandbox.stop());
  const env = { TEMPORAL_ADDRESS: temporal.address, AUTHORIZATIONS_FILE: sandbox.authorizationsFile };
  const worker = await startWorker(env);
  endings.push(() => worker.stop());
  const browser = await launchChromium(chromium);
  endings.push(() => browser.close());
  const page = await browser.newPage({ viewport: VIEWPORT, colorScheme: 'light', timezoneId: 'UTC' });
  const namespace = `${temporal.uiUrl}/namespaces/default`;
  await page.goto(`${namespace}/workflows`);
  await page.getByTitle('Collapse Navigation').click({ force: true });

  // A slow run with records to skip and to write.
  await client(env, 'run', 'examples/job.json');
  await sandbox.admin.change(7_000);
  await sandbox.admin.patchSettings({ latencyMs: 40 });
  await client(env, 'run', 'examples/job.json', '--no-follow');
  await page.goto(`${namespace}/workflows/${encodeURIComponent('gigya-export/vips-to-gigya')}`);
  await page.getByText('User Metadata').click();
  const percent = page
    .frameLocator('iframe')
    .last()
    .getByText(/[4-9]\d %/);
  await untilShown(page, percent);
  // The key R does not refresh the header of the page.
  await page.reload();
  await percent.waitFor();
  await take(page, 'progress', page.getByTestId('back-to-workflows'), page.locator('iframe').last());

  await page.getByText('Event History').first().click();
  await page.getByText('Compact', { exact: true }).click();
  await page
    .getByText(/^members /)
    .first()
    .waitFor();
  const row = page.getByTestId('event-summary-row').nth(12);
  await take(page, 'history', page.getByRole('heading', { name: 'Event History' }), row, 0);

  await sandbox.admin.patchSettings({ latencyMs: 0 });
  await client(env, 'create', 'examples/job-daily.json');
  await client(env, 'trigger', 'vips-every-night', '--follow');
  await page.goto(`${namespace}/schedules/${encodeURIComponent('gigya-export/vips-every-night')}`);
  await page.getByText('2 COMPLETED').waitFor();
  await take(page, 'schedule', page.getByText('Back to Schedules'), page.getByText('0 custom search'));
}

/** Takes the page from the top of one element to the bottom of another. */
async function take(page: Page, name: string, first: Locator, last: Locator, below = MARGIN): Promise<void> {
  await last.waitFor();
  // The focused element has a frame.
  await page.evaluate('document.activeElement?.blur()');
  const main = await page.locator('main').boundingBox();
  const [from, to] = [await first.boundingBox(), await last.boundingBox()];
  if (!main || !from || !to) throw new Error(`${name}: an element of the picture is not on the page`);
  const y = from.y - MARGIN;
  const clip = { x: main.x + 8, y, width: main.width - 16, height: to.y + to.height + below - y };
  const path = join(IMAGES, `web-ui-${name}.png`);
  await page.screenshot({ path, animations: 'disabled', clip });
  const { size } = await stat(path);
  const sides = `${Math.round(clip.width)} × ${Math.round(clip.height)}`;
  console.log(`docs/images/web-ui-${name}.png: ${sides}, ${Math.round(size / 1024)} KB`);
}

/** The Web UI refreshes the details of a run on the key R. */
async function untilShown(page: Page, what: Locator): Promise<void> {
  for (const deadline = Date.now() + 120_000; !(await what.isVisible()); await sleep(300)) {
    if (Date.now() > deadline) throw new Error(`Not shown: ${what}`);
    await page.keyboard.press('r');
  }
}

/** Runs the client like a user. */
async function client(env: NodeJS.ProcessEnv, ...args: string[]): Promise<void> {
  const program = startProgram('src/client.ts', args, env);
  const code = await program.exited;
  if (code !== 0)
    throw new Error(`client ${args.join(' ')} failed with exit code ${code}:\n${program.output()}`);
}
