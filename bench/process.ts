import { readFile, writeFile } from 'node:fs/promises';

/** What a process used; undefined where the system does not report it (Linux does). */
export interface Resources {
  /** Peak memory since {@link watchResources}, in bytes. */
  peakMemory: number | undefined;
  /** CPU seconds of all threads since {@link watchResources}. */
  cpuSeconds: number | undefined;
}

/** Ticks of /proc/<pid>/stat: 100 on every architecture of Linux. */
const TICKS_A_SECOND = 100;

/** Starts to watch a process; the returned function reports what it used since. */
export async function watchResources(pid: number): Promise<() => Promise<Resources>> {
  // 5 resets the peak to the present use, which leaves out the worker's start.
  await writeFile(`/proc/${pid}/clear_refs`, '5').catch(() => undefined);
  const cpuBefore = await cpuSecondsOf(pid);
  return async () => {
    const cpu = await cpuSecondsOf(pid);
    return {
      peakMemory: await peakMemoryOf(pid),
      cpuSeconds: cpu === undefined || cpuBefore === undefined ? undefined : cpu - cpuBefore,
    };
  };
}

async function peakMemoryOf(pid: number): Promise<number | undefined> {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(await read(pid, 'status')) ?? [];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
}

async function cpuSecondsOf(pid: number): Promise<number | undefined> {
  // utime and stime, fields 14 and 15; counted from the end of the name, which may contain spaces.
  const fields = (await read(pid, 'stat')).split(') ').at(-1)?.split(' ') ?? [];
  const ticks = Number(fields[11]) + Number(fields[12]);
  return Number.isNaN(ticks) ? undefined : ticks / TICKS_A_SECOND;
}

function read(pid: number, file: string): Promise<string> {
  return readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
}
