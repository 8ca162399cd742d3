/**
 * Makes a checkout ready to run: the right Node, and the packages that package-lock.json names. Plain Node without
 * packages, as it runs before there are any: `node scripts/setup.mjs && …`.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const checkout = fileURLToPath(new URL('..', import.meta.url));
const lock = join(checkout, '.cache', 'npm-ci.lock');
const longestInstall = 15 * 60_000;

const { engines } = readJson('package.json');
if (!satisfies(process.versions.node, engines.node)) {
  fail(
    `This needs Node ${engines.node}; this is Node ${process.versions.node}. Install a newer one and try again.`,
  );
}
if (!isInstalled()) {
  takeLock();
  // The one that held the lock before may have done it.
  if (!isInstalled()) install();
}

/** @param {string} version @param {string} range alternatives of the form `^20.19.0` or `>=22.12`, joined by `||` */
function satisfies(version, range) {
  const [major, minor] = version.split('.').map(Number);
  return range.split('||').some((alternative) => {
    const [, operator, least, leastMinor = '0'] = /(\^|>=)\s*(\d+)(?:\.(\d+))?/.exec(alternative) ?? [];
    if (major === Number(least)) return minor >= Number(leastMinor);
    return operator === '>=' && major > Number(least);
  });
}

/**
 * Whether node_modules holds what package-lock.json names. npm writes the list of what it installed as the last
 * thing, so that an install cut short, or one without devDependencies, does not pass.
 */
function isInstalled() {
  const wanted = readJson('package-lock.json').packages;
  let present;
  try {
    present = readJson('node_modules/.package-lock.json').packages;
  } catch {
    return false;
  }
  return Object.entries(wanted).every(([path, { version, integrity, optional, devOptional }]) => {
    const found = present[path];
    // Optional ones are mostly other platforms' builds, which npm leaves out.
    if (path === '' || !found) return path === '' || optional || devOptional;
    return found.version === version && found.integrity === integrity;
  });
}

function install() {
  console.error('Installing packages (npm ci)');
  // The npm that runs this script, if one does: the PATH may hold another.
  const npm = process.env.npm_execpath;
  const [command, ...first] = npm?.endsWith('.js') ? [process.execPath, npm] : ['npm'];
  const args = [
    ...first,
    'ci',
    '--include=dev',
    '--include=optional',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
  ];
  const { error, status, signal } = spawnSync(command, args, { cwd: checkout, stdio: ['ignore', 2, 2] });
  if (error) fail(`npm could not be started: ${error.message}`);
  if (status !== 0) fail(`npm ci failed (${signal ?? `exit code ${status}`}): its messages are above`);
  if (!isInstalled())
    fail('npm ci ended well, but node_modules is not what package-lock.json names: run npm ci by hand');
}

/** A link that names the holder's process: made in one step, and empty of none. */
function takeLock() {
  mkdirSync(join(checkout, '.cache'), { recursive: true });
  const deadline = Date.now() + longestInstall;
  for (let told = false; ; sleep(200)) {
    try {
      symlinkSync(String(process.pid), lock);
      process.once('exit', () => rmSync(lock, { force: true }));
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const holder = lockHolder();
    if (holder === undefined) continue;
    if (!isRunning(holder)) rmSync(lock, { force: true });
    else if (Date.now() > deadline)
      fail(`Process ${holder} has been installing for too long: end it, or remove ${lock}`);
    else if (!told) {
      console.error(`Waiting for process ${holder}, which is installing packages`);
      told = true;
    }
  }
}

function lockHolder() {
  try {
    return Number(readlinkSync(lock));
  } catch {
    return undefined;
  }
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function sleep(milliseconds) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

function readJson(file) {
  return JSON.parse(readFileSync(join(checkout, file), 'utf8'));
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
