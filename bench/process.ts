import { readFile, writeFile } from 'node:fs/promises';

/** What a process took; undefined where the system does not tell (it does on Linux). */
export interface Resources {
  /** The most memory it held since {@link watchResources}, in bytes. */
  peakMemory: number | undefined;
  /** Seconds of a core, all threads together, since {@link watchResources}. */
  cpuSeconds: number | undefined;
}

/** Ticks of /proc/<pid>/stat; Linux tells programs 100 on every architecture. */
const TICKS_A_SECOND = 100;

/** Begins to watch a process; what it returns tells what was taken since. */
export async function watchResources(pid: number): Promise<() => Promise<Resources>> {
  // 5 sets the peak back to what is held now, so that a worker's start (bundling the workflow) stays out of it.
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
  // After the name, which stands in parentheses and may hold anything: utime and stime are fields 14 and 15 of all.
  const fields = (await read(pid, 'stat')).split(') ').at(-1)?.split(' ') ?? [];
  const ticks = Number(fields[11]) + Number(fields[12]);
  return Number.isNaN(ticks) ? undefined : ticks / TICKS_A_SECOND;
}

function read(pid: number, file: string): Promise<string> {
  return readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '');
}
