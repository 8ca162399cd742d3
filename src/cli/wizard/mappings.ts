import { input } from '@inquirer/prompts';
import { type JobDocument, jobSchema } from '../../job.ts';

type Mappings = NonNullable<JobDocument['config']['mappings']>;

/** Asks for mappings one by one, until the answer is empty. */
export async function askForMappings(): Promise<{ mappings: Mappings }> {
  const mappings: Mappings = [];
  for (;;) {
    const typed = await input({
      message: 'Field in Lytics=field in Gigya (empty when done)',
      validate: (value) => value.trim() === '' || problemWith(mappings, value),
    });
    const mapping = parseMapping(typed);
    if (!mapping) return { mappings };
    mappings.push(mapping);
  }
}

/** Checks them together, because two mappings must not write the same field. */
function problemWith(before: Mappings, typed: string): true | string {
  const mapping = parseMapping(typed);
  if (!mapping) return 'must be two field names, such as score_momentum=lytics_momentum';
  const config = { segment_id: 'any', mappings: [...before, mapping] };
  const { error } = jobSchema.shape.config.safeParse(config);
  return error?.issues[0]?.message ?? true;
}

function parseMapping(typed: string): Record<string, string> | undefined {
  const [lytics = '', gigya = '', ...rest] = typed.split('=').map((part) => part.trim());
  return lytics === '' || gigya === '' || rest.length > 0 ? undefined : { [lytics]: gigya };
}
