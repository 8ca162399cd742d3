import type { AuthorizationInfo } from '../activities/questions.ts';
import { alternatives } from '../settingTypes.ts';
import { UsageError } from './errors.ts';
import type { Output } from './print.ts';
import type { Questions } from './questions.ts';

type Provider = AuthorizationInfo['provider'];

export interface ImportAuthorizations {
  /** What the job is read with. */
  lytics: string;
  /** What takes the place of the authorization that Lytics' job names. */
  authIdsFor(lyticsAuthIds: unknown): Promise<string[]>;
}

/** Whether a person can answer a question. */
export function isAsked({ isTerminal, json }: Output): boolean {
  return isTerminal && !json && process.stdin.isTTY;
}

/** The worker's authorizations that a job is imported with: as the options say, the only ones, or as picked. */
export async function chooseImportAuthorizations(
  questions: Questions,
  options: { lytics?: string; gigya?: string },
  output: Output,
): Promise<ImportAuthorizations> {
  const known = await questions.listAuthorizations();
  // Before anything is read, so that a misspelt name is reported first.
  if (options.gigya !== undefined) assertKnown(known, 'gigya', options.gigya);
  const lytics = await choose(known, 'lytics', options.lytics, output);
  return {
    lytics,
    async authIdsFor(lyticsAuthIds) {
      const given = options.gigya ?? sameName(known, lyticsAuthIds);
      const gigya = await choose(known, 'gigya', given, output);
      // With one Lytics authorization in the file, a job need not name it.
      return of(known, 'lytics').length > 1 ? [gigya, lytics] : [gigya];
    },
  };
}

/** The file may call an authorization by the id that it has in Lytics. */
function sameName(known: readonly AuthorizationInfo[], authIds: unknown): string | undefined {
  const ids: unknown[] = Array.isArray(authIds) ? authIds : [];
  return of(known, 'gigya').find((name) => ids.includes(name));
}

async function choose(
  known: readonly AuthorizationInfo[],
  provider: Provider,
  given: string | undefined,
  output: Output,
): Promise<string> {
  if (given !== undefined) return assertKnown(known, provider, given);
  const names = of(known, provider);
  const [only] = names;
  if (only === undefined) {
    throw new UsageError(
      `The worker has no ${TITLES[provider]} authorization; add one to its authorizations file`,
    );
  }
  if (names.length === 1) return only;
  if (!isAsked(output)) {
    throw new UsageError(
      `The worker has several ${TITLES[provider]} authorizations; choose one with --${provider}: ${alternatives(names)}`,
    );
  }
  // The prompts take longer to load than most commands take.
  const { select } = await import('@inquirer/prompts');
  return select({
    message: `${TITLES[provider]} authorization`,
    choices: names.map((name) => ({ name, value: name })),
  });
}

function assertKnown(known: readonly AuthorizationInfo[], provider: Provider, name: string): string {
  const names = of(known, provider);
  if (names.includes(name)) return name;
  const rest = names.length > 0 ? `; it has ${alternatives(names)}` : '';
  throw new UsageError(`The worker has no ${TITLES[provider]} authorization "${name}"${rest}`);
}

function of(known: readonly AuthorizationInfo[], provider: Provider): string[] {
  return known.filter((one) => one.provider === provider).map(({ name }) => name);
}

const TITLES: Readonly<Record<Provider, string>> = { lytics: 'Lytics', gigya: 'Gigya' };
