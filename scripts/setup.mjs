/**
 * Prepares a checkout: the right Node, and the packages of package-lock.json. Then runs a TypeScript program of it,
 * if one is given: `node scripts/setup.mjs src/worker.ts`. In this process: npm passes a signal only to the first
 * process of a script (hence `exec` in package.json), and another would live on. Plain JavaScript, since it runs before
 * any package is installed.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const checkout = fileURLToPath(new URL('..', import.meta.url));
const { engines } = readJson('package.json');
if (!satisfies(process.versions.node, engines.node))
  fail(`Node ${engines.node} is required; this is Node ${process.versions.node}`);
if (!isInstalled()) install();

const [, , program] = process.argv;
if (program !== undefined) {
  const { register } = await import('tsx/esm/api');
  register();
  const file = resolve(checkout, program);
  process.argv.splice(1, 2, file);
  await import(pathToFileURL(file).href);
}

/** @param {string} range Alternatives of the form `^20.19.0` or `>=22.12.0`, joined by `||`. */
function satisfies(version, range) {
  const [major, minor] = version.split('.').map(Number);
  return range.split('||').some((alternative) => {
    const [, operator, least, leastMinor] = /(\^|>=)(\d+)\.(\d+)/.exec(alternative) ?? [];
    if (major === Number(least)) return minor >= Number(leastMinor);
    return operator === '>=' && major > Number(least);
  });
}

/** npm writes the list of installed packages last, so an interrupted install does not pass. */
function isInstalled() {
  try {
    const { packages: wanted } = readJson('package-lock.json');
    const { packages: present } = readJson('node_modules/.package-lock.json');
    return Object.entries(wanted).every(([path, { version, optional, devOptional }]) => {
      const found = present[path];
      // npm omits optional packages, such as builds for other platforms.
      return path === '' || (found ? found.version === version : optional || devOptional);
    });
  } catch {
    return false;
  }
}

function install() {
  console.error('Installing packages (npm ci)');
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  const { error, status } = spawnSync('npm', args, {
    cwd: checkout,
    stdio: ['ignore', 2, 2],
    // npm is a .cmd file there.
    shell: process.platform === 'win32',
  });
  if (error) fail(`npm could not be started: ${error.message}`);
  if (status !== 0) fail('npm ci failed; see above');
}

function readJson(file) {
  return JSON.parse(readFileSync(join(checkout, file), 'utf8'));
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
