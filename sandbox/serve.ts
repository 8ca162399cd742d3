import type { ServerResponse } from 'node:http';
import { setImmediate, setTimeout } from 'node:timers/promises';
import type { Call } from './calls.ts';
import type { FaultAction, Target } from './faults.ts';
import { compressed, drip, send, sendHtml } from './replies.ts';
import type { World } from './world.ts';

type Met = { waitMs: number; action: FaultAction | undefined; rule: string | undefined };

/** How long a request waits, and the action that ends it, if any. */
function meet(world: World, target: Target): Met {
  let waitMs = world.settings().latencyMs;
  let ending: { action: FaultAction; rule: string } | undefined;
  for (const { rule, fires } of world.faults.decide(target)) {
    world.commit({ type: 'fault', rule: rule.id, fired: fires });
    if (!fires) continue;
    const { action } = rule;
    if (action.kind === 'latency') waitMs += action.ms;
    else if (action.kind === 'settings') world.commit({ type: 'settings', patch: action.settings });
    else ending = { action, rule: rule.id };
  }
  return { waitMs, action: ending?.action, rule: ending?.rule };
}

/** Answers a call, as the settings and fault rules say. */
export async function serve(
  world: World,
  call: Call,
  acceptEncoding: string | undefined,
  response: ServerResponse,
): Promise<void> {
  const place = call.uid === undefined ? undefined : world.places.take(call.uid);
  const leave = world.stats.arrive(call.target.provider, call.kind);
  response.on('close', () => {
    leave();
    place?.release();
  });

  const { waitMs, action, rule } = meet(world, call.target);
  // Even without latency every request that has already arrived counts as under way before the first is answered.
  if (waitMs > 0) await setTimeout(waitMs);
  else await setImmediate();

  const underWay = place?.taken ?? 1;
  const count = (outcome: string) => world.commit({ type: 'counted', method: call.target.method, outcome });
  if (action && endsWithoutReply(action)) {
    if ('applied' in action && action.applied) call.run(underWay, undefined);
    count(rule ?? action.kind);
    breakOff(action, response);
    return;
  }
  const reply = call.run(underWay, action);
  count(reply.outcome);
  send(response, compressed(reply, acceptEncoding, world.settings()));
}

type Break = Extract<FaultAction, { kind: 'html' | 'cut' | 'silence' | 'drip' | 'redirect' }>;

function endsWithoutReply(action: FaultAction): action is Break {
  return ['html', 'cut', 'silence', 'drip', 'redirect'].includes(action.kind);
}

function breakOff(action: Break, response: ServerResponse): void {
  switch (action.kind) {
    case 'html':
      sendHtml(response, action.status);
      break;
    case 'cut':
      response.socket?.destroy();
      break;
    case 'drip':
      drip(response);
      break;
    case 'redirect':
      send(response, { httpStatus: 302, headers: { location: action.location }, body: '' });
      break;
    case 'silence':
      break;
  }
}
