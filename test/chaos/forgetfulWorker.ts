/** The worker without its checkpoints: no attempt gets what the one before left behind. The kill tests have to notice. */
import type { Context } from '@temporalio/activity';
import { type ActivityInterceptorsFactory, Worker, type WorkerOptions } from '@temporalio/worker';

function forget(context: Context): Context {
  const info = { ...context.info, heartbeatDetails: undefined };
  return new Proxy(context, {
    get: (target, key) => (key === 'info' ? info : Reflect.get(target, key, target)),
  });
}

const forgetfully =
  (factory: ActivityInterceptorsFactory): ActivityInterceptorsFactory =>
  (context) =>
    factory(forget(context));

const create = Worker.create.bind(Worker);

Worker.create = (options: WorkerOptions) => {
  const activity = (options.interceptors?.activity ?? []).map(forgetfully);
  return create({ ...options, interceptors: { ...options.interceptors, activity } });
};

await import('../../src/worker.ts');
