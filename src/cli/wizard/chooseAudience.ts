import { input, search } from '@inquirer/prompts';
import type { AudienceInfo } from '../../activities/questions.ts';
import { jobSchema } from '../../job.ts';
import { plural } from '../print.ts';
import type { Questions } from '../questions.ts';
import { complain, withRetries } from './interruptible.ts';
import { validBy } from './validBy.ts';

/** @returns The audience's slug, or the typed text when Lytics lists no audiences. */
export async function chooseAudience(
  questions: Questions,
  authorization: string,
  message = 'Audience',
): Promise<string> {
  const audiences = await withRetries(() => questions.listAudiences(authorization));
  if (audiences && audiences.length > 0) return (await searchAudience(audiences, message)).slug;
  if (audiences) complain(new Error('The Lytics account lists no audiences'));
  return input({
    message: `${message}: id or slug`,
    validate: validBy(jobSchema.shape.config.shape.segment_id),
  });
}

function searchAudience(audiences: readonly AudienceInfo[], message: string): Promise<AudienceInfo> {
  return search({
    message: `${message} (type to search)`,
    source: (term = '') => {
      const wanted = term.toLowerCase();
      return audiences
        .filter(({ name, slug }) => name.toLowerCase().includes(wanted) || slug.includes(wanted))
        .map((audience) => ({
          name: `${audience.name} – ${audience.size === null ? 'unknown size' : plural(audience.size, 'user')}`,
          value: audience,
          description: audience.is_public ? audience.slug : `${audience.slug}; not open to Lytics' API`,
        }));
    },
  });
}
