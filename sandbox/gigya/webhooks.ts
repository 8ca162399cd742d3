import { createHmac } from 'node:crypto';
import type { World } from '../world.ts';

const timeoutMs = 5_000;

/** Tells the site's endpoint that an account was updated. The reply to the write does not wait for it; no retries. */
export function sendAccountUpdated(world: World, uid: string, callId: string): void {
  const { webhookUrl } = world.settings().gigya;
  if (webhookUrl === null) return;
  const timestamp = Math.floor(world.now() / 1000);
  const event = {
    type: 'accountUpdated',
    id: world.random.hex(32),
    timestamp,
    callId,
    version: '2.0',
    apiKey: world.keys.apiKey,
    data: { accountType: 'full', uid },
  };
  const body = JSON.stringify({ events: [event], nonce: world.random.hex(32), timestamp });
  const signature = createHmac('sha1', Buffer.from(world.keys.secret, 'base64'))
    .update(body)
    .digest('base64');
  fetch(webhookUrl, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', 'x-gigya-sig-hmac-sha1': signature },
    signal: AbortSignal.timeout(timeoutMs),
  }).then(
    ({ ok }) => world.stats.webhook(ok ? 'delivered' : 'failed'),
    () => world.stats.webhook('failed'),
  );
}
