import { writeFile } from 'node:fs/promises';
import { jobJsonSchema } from '../src/jobReference.ts';

/** Writes the job document's JSON Schema. A test checks that the committed file agrees with the code. */
const file = new URL('../docs/job.schema.json', import.meta.url);
await writeFile(file, `${JSON.stringify(jobJsonSchema(), null, 2)}\n`);
