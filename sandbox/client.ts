import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { nodeArgs } from '../scripts/nodeArgs.ts';
import type { AccountInput, LabelInput } from './admin/gigya.ts';
import type { AudienceInput, AudiencePatch, PopulationInput, RowInput } from './admin/lytics.ts';
import type { Question } from './admin/questions.ts';
import type { Authorizations } from './authorizations.ts';
import type { FaultInput, FaultRule } from './faults.ts';
import type { Account, StoredObject } from './gigya/state.ts';
import type { JournalEntry } from './journal.ts';
import type { Job } from './lytics/jobs.ts';
import type { Audience, Row } from './lytics/state.ts';
import type { Stays } from './population/changes.ts';
import type { Settings, SettingsPatch } from './settings.ts';
import type { StatsReport } from './stats.ts';
import type { Truth } from './truth.ts';
import type { Verdict } from './verify.ts';

export type { FaultInput, JournalEntry, Settings, SettingsPatch, StatsReport, Truth, Verdict };

/** The switches of `sandbox/main.ts`; see sandbox/README.md. */
export type SandboxOptions = {
  port?: number | undefined;
  users?: number | undefined;
  seed?: number | undefined;
  audiences?: number | undefined;
  outsiders?: number | undefined;
  /** Rows of each odd kind. */
  odd?: number | undefined;
  idField?: string | undefined;
  latencyMs?: number | undefined;
  indexLagMs?: number | undefined;
  cursor?: 'repeatable' | 'scroll' | undefined;
  settings?: SettingsPatch | undefined;
  quota?: [calls: number, searches: number] | undefined;
  limits?: [calls: number, searches: number] | undefined;
  /** A file that exists and that no sandbox wrote is refused without `force`. */
  authorizations?: string | undefined;
  force?: boolean | undefined;
  /** State file; with the same `port` a sandbox that was killed continues where it was. */
  state?: string | undefined;
};

export type Info = {
  pid: number;
  population: { users: number; seed: number; audiences: number; outsiders: number; idField: string };
  rows: number;
  accounts: number;
  audiences: number;
  waitingForIndex: number;
};

export type SandboxAdmin = {
  info(): Promise<Info>;
  settings(): Promise<Settings>;
  patchSettings(patch: SettingsPatch): Promise<Settings>;
  faults(): Promise<(FaultRule & { seen: number; fired: number })[]>;
  addFaults(...rules: FaultInput[]): Promise<void>;
  clearFaults(): Promise<void>;
  journal(since?: number): Promise<JournalEntry[]>;
  clearJournal(): Promise<void>;
  stats(): Promise<StatsReport>;
  clearStats(): Promise<void>;
  truth(question?: Question): Promise<Truth>;
  verify(question?: Question): Promise<Verdict>;
  /** What every UID holds in the field, in its account and in the Data Store. */
  state(question?: Question): Promise<Record<string, { account: unknown; data_store: unknown[] }>>;
  held(
    uid: string,
  ): Promise<{ uid: string; account: Account | null; objects: ({ type: string } & StoredObject)[] }>;
  jobs(): Promise<Job[]>;
  /** A job of Lytics' own `gigya-export`, with any of the keys that its API lets one set. */
  addJob(job: Record<string, unknown>): Promise<Job>;
  /** Each returns how many members the audience has then. */
  population(change: PopulationInput): Promise<number>;
  enter(count: number, audience?: string): Promise<number>;
  /** `stays`: whether those who leave stay in their other audiences, or in none but `all`. */
  leave(count: number, audience?: string, stays?: Stays): Promise<number>;
  /** Gone from Lytics altogether; their accounts stay. */
  remove(count: number, audience?: string): Promise<number>;
  change(count: number, audience?: string): Promise<number>;
  audiences(): Promise<(Audience & { size: number })[]>;
  addAudience(audience: AudienceInput): Promise<Audience>;
  patchAudience(idOrSlug: string, patch: AudiencePatch): Promise<Audience>;
  removeAudience(idOrSlug: string): Promise<void>;
  rows(value: string, field?: string): Promise<Row[]>;
  putRows(...rows: RowInput[]): Promise<Row[]>;
  removeRow(key: number): Promise<void>;
  putAccounts(...accounts: AccountInput[]): Promise<Account[]>;
  account(uid: string): Promise<Account>;
  /** Null removes a field. `verify` compares with what is set here. */
  patchAccount(
    uid: string,
    patch: { data?: Record<string, unknown>; profile?: Record<string, unknown> },
  ): Promise<Account>;
  removeAccount(uid: string): Promise<void>;
  /** Labels that something else wrote, past the journal. Returns the UIDs that got one. */
  addLabels(labels: LabelInput): Promise<string[]>;
};

export type Sandbox = {
  url: string;
  lyticsUrl: string;
  gigyaUrl: string;
  authorizationsFile: string;
  authorizations: Authorizations;
  pid: number;
  admin: SandboxAdmin;
  /** Stops the process and waits until it has exited. */
  stop(): Promise<void>;
  /** Waits until it has exited, except with SIGSTOP and SIGCONT. @default SIGKILL */
  kill(signal?: NodeJS.Signals): Promise<void>;
};

/** Where `tsx` is found from. */
const root = fileURLToPath(new URL('..', import.meta.url));

/**
 * Starts a sandbox in a process of its own and waits until it listens.
 *
 * @example
 * const sandbox = await startSandbox({ users: 2_000, seed: 7 });
 * await sandbox.admin.addFaults({ match: { method: 'accounts.setAccountInfo' }, rate: 0.1, action: { kind: 'cut' } });
 * // … run the export with AUTHORIZATIONS_FILE=sandbox.authorizationsFile …
 * const { ok } = await sandbox.admin.verify();
 * await sandbox.stop();
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const child = spawn(
    process.execPath,
    [...nodeArgs('sandbox/main.ts'), '--json', '--with-parent', ...switches(options)],
    {
      cwd: root,
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  const exited = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  const ready = await Promise.race([once(lines, 'line'), exited]);
  const [line] = ready;
  if (typeof line !== 'string')
    throw new Error(`the sandbox ended with ${line ?? 'a signal'} before it was ready`);
  const { url, authorizationsFile, pid }: { url: string; authorizationsFile: string; pid: number } =
    JSON.parse(line);
  const authorizations: Authorizations = JSON.parse(readFileSync(authorizationsFile, 'utf8'));

  const kill = async (signal: NodeJS.Signals = 'SIGKILL') => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    if (signal === 'SIGSTOP' || signal === 'SIGCONT') return;
    await exited;
  };
  return {
    url,
    lyticsUrl: url,
    gigyaUrl: url,
    authorizationsFile,
    authorizations,
    pid,
    admin: connectAdmin(url),
    stop: () => kill('SIGTERM'),
    kill,
  };
}

function switches(options: SandboxOptions): string[] {
  const { settings, quota, limits } = options;
  const given: [name: string, value: string | number | undefined][] = [
    ['port', options.port],
    ['users', options.users],
    ['seed', options.seed],
    ['audiences', options.audiences],
    ['outsiders', options.outsiders],
    ['odd', options.odd],
    ['id-field', options.idField],
    ['latency', options.latencyMs],
    ['index-lag', options.indexLagMs],
    ['cursor', options.cursor],
    ['settings', settings && JSON.stringify(settings)],
    ['quota', quota?.join(',')],
    ['limits', limits?.join(',')],
    ['authorizations', options.authorizations],
    ['state', options.state],
  ];
  const named = given.flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, String(value)]));
  return options.force ? [...named, '--force'] : named;
}

/** The admin API of a running sandbox. */
export function connectAdmin(url: string): SandboxAdmin {
  // The replies come from this repository: their types are those of the handlers in admin/.
  const call = async <T>(verb: string, path: string, body?: unknown): Promise<T> => {
    const response = await fetch(`${url}/admin/${path}`, {
      method: verb,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`sandbox: ${verb} /admin/${path} answered ${response.status} ${text}`);
    const value: T = JSON.parse(text);
    return value;
  };
  const ask = (question: Question = {}) => {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(question)) if (value !== undefined) query.set(name, value);
    return query;
  };
  const population = async (change: PopulationInput) =>
    (await call<{ members: number }>('POST', 'population', change)).members;
  const part = encodeURIComponent;

  return {
    info: () => call('GET', 'info'),
    settings: () => call('GET', 'settings'),
    patchSettings: (patch) => call('PATCH', 'settings', patch),
    faults: () => call('GET', 'faults'),
    addFaults: (...rules) => call('POST', 'faults', rules),
    clearFaults: () => call('DELETE', 'faults'),
    journal: (since = 0) => call('GET', `journal?since=${since}`),
    clearJournal: () => call('POST', 'journal/clear'),
    stats: () => call('GET', 'stats'),
    clearStats: () => call('POST', 'stats/clear'),
    truth: (question) => call('GET', `truth?${ask(question)}`),
    verify: (question) => call('GET', `verify?${ask(question)}`),
    state: (question) => call('GET', `state?${ask(question)}`),
    held: (uid) => call('GET', `state?uid=${part(uid)}`),
    jobs: () => call('GET', 'jobs'),
    addJob: (job) => call('POST', 'jobs', job),
    population,
    enter: (count, audience = 'vip') => population({ action: 'enter', audience, count }),
    leave: (count, audience = 'vip', stays = 'others') =>
      population({ action: 'leave', audience, count, stays }),
    remove: (count, audience = 'vip') => population({ action: 'remove', audience, count }),
    change: (count, audience = 'vip') => population({ action: 'change', audience, count }),
    audiences: () => call('GET', 'audiences'),
    addAudience: (audience) => call('POST', 'audiences', audience),
    patchAudience: (idOrSlug, patch) => call('PATCH', `audiences/${part(idOrSlug)}`, patch),
    removeAudience: (idOrSlug) => call('DELETE', `audiences/${part(idOrSlug)}`),
    rows: (value, field) =>
      call('GET', `rows?${new URLSearchParams(field === undefined ? { value } : { field, value })}`),
    putRows: (...rows) => call('POST', 'rows', { rows }),
    removeRow: (key) => call('DELETE', `rows/${key}`),
    putAccounts: (...accounts) => call('POST', 'accounts', { accounts }),
    account: (uid) => call('GET', `accounts/${part(uid)}`),
    patchAccount: (uid, patch) => call('PATCH', `accounts/${part(uid)}`, patch),
    addLabels: async (labels) => (await call<{ uids: string[] }>('POST', 'labels', labels)).uids,
    removeAccount: (uid) => call('DELETE', `accounts/${part(uid)}`),
  };
}
