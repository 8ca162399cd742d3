import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { createConnections } from '../../src/activities/connections.ts';
import { AuthorizationError } from '../../src/authorizations.ts';
import { InvalidJob } from '../../src/job.ts';
import { gigyaAuthorization, lyticsAuthorization } from '../support/authorizations.ts';
import { temporaryFolder } from '../support/temporaryFolder.ts';

const url = 'http://127.0.0.1:9';
const lytics = lyticsAuthorization(url);
const gigya = gigyaAuthorization(url);

function connectionsOf(authorizations: Record<string, unknown>) {
  const file = join(temporaryFolder(), 'authorizations.json');
  const write = (content: Record<string, unknown>) => writeFileSync(file, JSON.stringify(content));
  write(authorizations);
  const connections = createConnections({ authorizationsFile: file });
  onTestFinished(() => connections.close());
  return { connections, write, file };
}

afterEach(() => {
  vi.unstubAllEnvs();
});

describe("a worker's connections", () => {
  it('exist once per authorization for all jobs, which share its rate limit', async () => {
    const { connections } = connectionsOf({ lytics, gigya, other: gigya });
    const { gigya: first } = await connections.gigya(['lytics', 'gigya']);
    expect((await connections.gigya(['gigya', 'lytics'])).gigya).toBe(first);
    expect((await connections.gigya(['lytics', 'other'])).gigya).not.toBe(first);
    expect(await connections.lytics(['lytics', 'gigya'])).toBe(await connections.lytics(['gigya', 'lytics']));
  });

  it('are recreated when the authorization changes, without a restart', async () => {
    vi.stubEnv('GIGYA_SECRET_OF_THE_TEST', 'Zmlyc3Q=');
    const changing = { ...gigya, secret_key: 'env:GIGYA_SECRET_OF_THE_TEST' };
    const { connections, write } = connectionsOf({ lytics, gigya: changing });
    const names = ['lytics', 'gigya'];
    const first = await connections.gigya(names);
    expect(first.authorization.secret_key).toBe('Zmlyc3Q=');

    vi.stubEnv('GIGYA_SECRET_OF_THE_TEST', 'c2Vjb25k');
    const second = await connections.gigya(names);
    expect(second.gigya).not.toBe(first.gigya);
    expect(second.authorization.secret_key).toBe('c2Vjb25k');

    write({ lytics, gigya: { ...changing, index_lag_seconds: 5 } });
    const third = await connections.gigya(names);
    expect(third.gigya).not.toBe(second.gigya);
    expect(third.authorization.index_lag_seconds).toBe(5);
  });

  it('are not affected by a faulty authorization of another job', async () => {
    const { connections } = connectionsOf({ lytics, gigya, broken: { provider: 'gigya' }, none: 5 });
    expect((await connections.gigya(['lytics', 'gigya'])).gigya.name).toBe('gigya');
    await expect(connections.gigya(['lytics', 'broken'])).rejects.toThrow('broken.api_key: missing');
  });

  it('need only the secrets of their own provider', async () => {
    const { connections } = connectionsOf({
      lytics,
      gigya: { ...gigya, secret_key: 'env:NOT_SET_IN_THE_TEST' },
    });
    expect((await connections.lytics(['lytics', 'gigya'])).name).toBe('lytics');
    await expect(connections.gigya(['lytics', 'gigya'])).rejects.toBeInstanceOf(AuthorizationError);
  });

  it("use the file's only Lytics authorization when a job names only Gigya's", async () => {
    const { connections, write, file } = connectionsOf({ lytics, gigya, broken: { provider: 'gigya' } });
    expect((await connections.lytics(['gigya'])).name).toBe('lytics');
    expect((await connections.gigya(['gigya'])).gigya.name).toBe('gigya');
    expect((await connections.lytics(['lytics'])).name).toBe('lytics');

    write({ lytics, gigya, 'lytics-2': lytics });
    await expect(connections.lytics(['gigya'])).rejects.toThrow(
      new InvalidJob([
        'auth_ids: the worker has several authorizations for Lytics ("lytics", "lytics-2"); add the one to use',
      ]),
    );
    expect((await connections.lytics(['gigya', 'lytics-2'])).name).toBe('lytics-2');

    write({ gigya });
    await expect(connections.lytics(['gigya'])).rejects.toThrow(
      new AuthorizationError(`The authorizations file ${file} has no authorization for Lytics; add one`),
    );
    await expect(connections.lytics(['none'])).rejects.toThrow('this worker has no authorization "none"');
  });

  it("are refused for Gigya when a job names only Lytics' authorization", async () => {
    const { connections } = connectionsOf({ lytics, gigya });
    await expect(connections.gigya(['lytics'])).rejects.toThrow(
      'auth_ids: names no authorization for Gigya; name one for Gigya, or it and one for Lytics',
    );
  });

  it('are refused where both names are of one provider', async () => {
    const { connections } = connectionsOf({ lytics, gigya, other: gigya });
    await expect(connections.lytics(['gigya', 'other'])).rejects.toBeInstanceOf(InvalidJob);
    await expect(connections.gigya(['lytics', 'lytics'])).rejects.toBeInstanceOf(InvalidJob);
  });

  it.each(['none', 'constructor', '__proto__', ''])(
    'are refused for a name that is not there: %j',
    async (name) => {
      const { connections, file } = connectionsOf({ lytics, gigya });
      await expect(connections.gigya(['lytics', name])).rejects.toThrow(
        `auth_ids: this worker has no authorization "${name}"; its file ${file} has "lytics", "gigya"`,
      );
    },
  );
});

describe('the provider of an authorization', () => {
  it('is found by its name', async () => {
    const { connections } = connectionsOf({ lytics, gigya });
    expect(await connections.providerOf('lytics')).toBe('lytics');
    expect(await connections.providerOf('gigya')).toBe('gigya');
    await expect(connections.providerOf('none')).rejects.toBeInstanceOf(AuthorizationError);
  });
});
