/** The worker, without its checkpoints: what it has done stands in no heartbeat. The kill tests have to notice. */
import { Context } from '@temporalio/activity';

const current = Context.current.bind(Context);

Context.current = (): Context => {
  const context = current();
  const forgetful = { ...context.info, heartbeatDetails: undefined };
  return new Proxy(context, {
    get: (target, key) => (key === 'info' ? forgetful : Reflect.get(target, key, target)),
  });
};

await import('../../src/worker.ts');
