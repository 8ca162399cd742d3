import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readWorkerSettings, SettingError } from '../../src/settings.ts';

describe("a worker's environment", () => {
  it('may be empty', () => {
    expect(readWorkerSettings({})).toEqual({
      AUTHORIZATIONS_FILE: resolve('authorizations.json'),
      TASK_QUEUE: 'gigya-export',
      LOG_LEVEL: 'info',
      METRICS_HOST: '0.0.0.0',
      ALERT_AFTER: 1800,
      REQUEST_TIMEOUT: 30,
      SHUTDOWN_GRACE: 30,
    });
  });

  it('is read as given; an empty variable counts as unset', () => {
    const settings = readWorkerSettings({
      AUTHORIZATIONS_FILE: '/run/secrets/authorizations.json',
      TASK_QUEUE: 'other',
      LOG_LEVEL: 'debug',
      METRICS_PORT: '9464',
      METRICS_HOST: '127.0.0.1',
      ALERT_WEBHOOK: 'https://hooks.example.com/T1?x=1',
      WEB_UI_URL: 'https://temporal.corp',
      ALERT_AFTER: '60',
      REQUEST_TIMEOUT: '2.5',
      SHUTDOWN_GRACE: '0',
      SOMETHING_ELSE: 'x',
    });
    expect(settings).toEqual({
      AUTHORIZATIONS_FILE: '/run/secrets/authorizations.json',
      TASK_QUEUE: 'other',
      LOG_LEVEL: 'debug',
      METRICS_PORT: 9464,
      METRICS_HOST: '127.0.0.1',
      ALERT_WEBHOOK: 'https://hooks.example.com/T1?x=1',
      WEB_UI_URL: 'https://temporal.corp',
      ALERT_AFTER: 60,
      REQUEST_TIMEOUT: 2.5,
      SHUTDOWN_GRACE: 0,
    });
    expect(readWorkerSettings({ TASK_QUEUE: '', METRICS_PORT: '', LOG_LEVEL: '' })).toMatchObject({
      TASK_QUEUE: 'gigya-export',
      LOG_LEVEL: 'info',
    });
  });

  it.each([
    ['LOG_LEVEL', 'loud', 'LOG_LEVEL: must be one of trace, debug, info, warn, error'],
    ['METRICS_PORT', 'http', 'METRICS_PORT: must be a number'],
    ['METRICS_PORT', '70000', 'METRICS_PORT: '],
    ['REQUEST_TIMEOUT', 'long', 'REQUEST_TIMEOUT: must be a number of seconds'],
    ['REQUEST_TIMEOUT', '0', 'REQUEST_TIMEOUT: '],
    ['SHUTDOWN_GRACE', '-1', 'SHUTDOWN_GRACE: '],
    ['ALERT_WEBHOOK', 'file:///etc/passwd', 'ALERT_WEBHOOK: must be an http(s) URL'],
    ['ALERT_AFTER', '0', 'ALERT_AFTER: '],
    ['REQUEST_TIMEOUT', '1e10', 'REQUEST_TIMEOUT: '],
    ['WEB_UI_URL', 'temporal.corp', 'WEB_UI_URL: must be an http(s) URL'],
    ['TASK_QUEUE', 'a "b"', 'TASK_QUEUE: must not contain a double quote'],
    ['HTTPS_PROXY', 'ftp://proxy.corp', 'HTTPS_PROXY: must be a URL'],
  ])('with %s=%s is refused with the name', (name, value, message) => {
    expect(() => readWorkerSettings({ [name]: value })).toThrow(SettingError);
    expect(() => readWorkerSettings({ [name]: value })).toThrow(message);
  });

  it('is refused with all faults together', () => {
    expect(() => readWorkerSettings({ LOG_LEVEL: 'x', METRICS_PORT: 'y' })).toThrow(
      'LOG_LEVEL: must be one of trace, debug, info, warn, error; METRICS_PORT: must be a number',
    );
  });
});
