import { closeSync, existsSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';

/**
 * The sandbox's memory beyond its process: a header line, then one JSON line per event, in order. What was handed
 * to the kernel survives SIGKILL, so there is no fsync: tests kill processes, not the machine.
 */
export type StateFile<Header, Event> = {
  header: Header | undefined;
  /** Events of the previous process, oldest first, each with its time. */
  past: [at: number, event: Event][];
  begin(header: Header): void;
  /** Kept in memory until `flush`. */
  append(at: number, event: Event): void;
  /** To be called before a write is answered. */
  flush(): void;
  close(): void;
};

export function openStateFile<Header, Event>(path: string): StateFile<Header, Event> {
  const known = existsSync(path) ? readFileSync(path, 'utf8') : '';
  // A process that was killed during a write leaves half a line: that event was never answered.
  const whole = known.slice(0, known.lastIndexOf('\n') + 1);
  const [first, ...rest] = whole.split('\n');
  const header: Header | undefined = first ? JSON.parse(first) : undefined;
  const past = rest.filter(Boolean).map((line): [number, Event] => JSON.parse(line));

  const file = openSync(path, 'a', 0o600);
  if (whole.length < known.length) ftruncateSync(file, Buffer.byteLength(whole));

  let buffer = '';
  const flush = () => {
    if (!buffer) return;
    const bytes = Buffer.from(buffer);
    buffer = '';
    for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
  };
  const timer = setInterval(flush, 100);
  timer.unref();

  return {
    header,
    past,
    begin: (value) => {
      buffer += `${JSON.stringify(value)}\n`;
      flush();
    },
    append: (at, event) => {
      buffer += `${JSON.stringify([at, event])}\n`;
    },
    flush,
    close: () => {
      clearInterval(timer);
      flush();
      closeSync(file);
    },
  };
}
