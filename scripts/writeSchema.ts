import { readFile, writeFile } from 'node:fs/promises';
import { jobJsonSchema } from '../src/jobReference.ts';
import { withSettingsTable } from './settingsTable.ts';

/** Writes the job document's JSON Schema and the table of its settings. Tests check that both agree with the code. */
const schema = new URL('../docs/job.schema.json', import.meta.url);
await writeFile(schema, `${JSON.stringify(jobJsonSchema(), null, 2)}\n`);
const reference = new URL('../docs/reference.md', import.meta.url);
await writeFile(reference, withSettingsTable(await readFile(reference, 'utf8')));
