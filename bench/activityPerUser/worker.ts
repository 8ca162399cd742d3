/** The worker of the workflow with one activity for each user; a process of its own. */
import { fileURLToPath } from 'node:url';
import { NativeConnection, Worker } from '@temporalio/worker';
import { Pool } from 'undici';
import { z } from 'zod';

const settings = z
  .object({
    TEMPORAL_ADDRESS: z.string(),
    TASK_QUEUE: z.string(),
    LYTICS_URL: z.string(),
    LYTICS_TOKEN: z.string(),
    GIGYA_URL: z.string(),
    GIGYA_CREDENTIALS: z.string(),
    CONNECTIONS: z.coerce.number(),
  })
  .parse(process.env);

interface User {
  gy_profile_id: string;
  segments: string[];
}

const lytics = new Pool(settings.LYTICS_URL, { connections: 4 });
const gigya = new Pool(settings.GIGYA_URL, { connections: settings.CONNECTIONS });
const credentials: Record<string, string> = JSON.parse(settings.GIGYA_CREDENTIALS);

const activities = {
  async fetchUsers(cursor: string): Promise<{ users: User[]; next: string }> {
    const query = new URLSearchParams({
      table: 'user',
      limit: '100',
      ...(cursor !== '' && { start: cursor }),
    });
    const { body } = await lytics.request({
      method: 'GET',
      path: `/api/segment/vip/scan?${query}`,
      headers: { authorization: settings.LYTICS_TOKEN },
    });
    const { data, _next }: { data: User[]; _next: string } = JSON.parse(await body.text());
    return { users: data.map(({ gy_profile_id, segments }) => ({ gy_profile_id, segments })), next: _next };
  },
  async writeUser({ gy_profile_id, segments }: User): Promise<void> {
    const data = JSON.stringify({ lytics_segments: segments });
    const { body } = await gigya.request({
      method: 'POST',
      path: '/accounts.setAccountInfo',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ ...credentials, UID: gy_profile_id, data, format: 'json' }).toString(),
    });
    const { errorCode }: { errorCode: number } = JSON.parse(await body.text());
    if (errorCode !== 0) throw new Error(`accounts.setAccountInfo: ${errorCode}`);
  },
};
export type Activities = typeof activities;

const worker = await Worker.create({
  connection: await NativeConnection.connect({ address: settings.TEMPORAL_ADDRESS }),
  taskQueue: settings.TASK_QUEUE,
  workflowsPath: fileURLToPath(new URL('workflow.ts', import.meta.url)),
  activities,
  maxConcurrentActivityTaskExecutions: settings.CONNECTIONS,
});
process.stdout.write('The worker is ready\n');
await worker.run();
