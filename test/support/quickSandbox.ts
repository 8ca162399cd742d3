import { readFile, writeFile } from 'node:fs/promises';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../sandbox/client.ts';

export interface QuickSandboxOptions extends SandboxOptions {
  /** The time that a run waits for Gigya's index before it ends. @default 0 */
  settleSeconds?: number;
}

export interface QuickSandbox extends Sandbox {
  /** Changes one authorization in the workers' file; undefined removes a setting. */
  changeAuthorization(name: string, change: Record<string, unknown>): Promise<void>;
}

/** The field as the documentation recommends it; a run without it has a warning. */
const DECLARED = { fields: { lytics_segments: { type: 'string', writeAccess: 'serverOnly' } } };

/** Declares the field in the account and in the Data Store. */
async function declareField(sandbox: Sandbox): Promise<void> {
  await setSchema(sandbox, 'accounts', DECLARED);
  await setSchema(sandbox, 'ds', DECLARED);
  await sandbox.admin.clearStats();
}

/** Merges this into the schema of the accounts, or of the Data Store type `lytics`. */
export async function setSchema(
  sandbox: Sandbox,
  namespace: 'accounts' | 'ds',
  dataSchema: unknown,
): Promise<void> {
  const { api_key: apiKey, user_key: userKey, secret_key: secret } = sandbox.authorizations.gigya;
  const body = new URLSearchParams({ apiKey, userKey, secret, dataSchema: JSON.stringify(dataSchema) });
  if (namespace === 'ds') body.set('type', 'lytics');
  const response = await fetch(`${sandbox.url}/${namespace}.setSchema`, { method: 'POST', body });
  const { errorCode } = Object(await response.json());
  if (errorCode !== 0) throw new Error(`${namespace}.setSchema answered ${errorCode}`);
  await sandbox.admin.clearJournal();
}

/** A sandbox that is fast by default: limits that are never reached, and an index without lag. */
export async function startQuickSandbox(options: QuickSandboxOptions = {}): Promise<QuickSandbox> {
  const { settleSeconds = 0, settings = {}, ...switches } = options;
  const sandbox = await startSandbox({
    limits: [3000, 300],
    indexLagMs: 0,
    ...switches,
    // Users with several profiles are looked up as one user; the other case has its own test.
    settings: { ...settings, lytics: { sharedUid: 'merged', ...settings.lytics } },
  });
  const changeAuthorization = async (name: string, change: Record<string, unknown>) => {
    const file = sandbox.authorizationsFile;
    const written: Record<string, object> = JSON.parse(await readFile(file, 'utf8'));
    await writeFile(file, JSON.stringify({ ...written, [name]: { ...written[name], ...change } }));
  };
  for (const name of ['gigya', 'gigya-rsa', 'gigya-signature'])
    await changeAuthorization(name, { index_lag_seconds: settleSeconds });
  await declareField(sandbox);
  return { ...sandbox, changeAuthorization };
}
