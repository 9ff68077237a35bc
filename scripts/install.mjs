// Installs the npm packages when they are missing or not those of package-lock.json, so that a fresh
// checkout needs one command. Plain Node: it runs before there is any package.
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const lockFolder = join(root, '.sojourn-install.lock');
/** An installation takes a minute; whoever holds the lock for longer has died in a way we cannot see. */
const LOCK_AGE_MAX_MS = 20 * 60_000;
const POLL_MS = 300;

/** Does nothing, quickly, when all is there. */
export async function installPackages() {
  if (!isInstalled()) {
    const unlock = await takeLock();
    try {
      // Another start may have done it while this one waited.
      if (!isInstalled()) runNpm();
    } finally {
      unlock();
    }
  }
  linkCommand();
}

/** npm leaves in node_modules a copy of the lock file, of what it has really installed. */
function isInstalled() {
  const wanted = join(root, 'package-lock.json');
  const installed = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return false;
  if (!existsSync(wanted)) return true;
  if (statSync(installed).mtimeMs >= statSync(wanted).mtimeMs) return true;
  // A checkout or `npm install` may touch the lock file last: what counts is the versions in it.
  const packages = (path) => JSON.parse(readFileSync(path, 'utf8')).packages;
  const there = packages(installed);
  return Object.entries(packages(wanted)).every(([path, entry]) => {
    if (path === '') return true;
    const mayBeLeftOut = entry.optional || entry.dev || entry.devOptional || entry.peer;
    return path in there ? there[path].version === entry.version : mayBeLeftOut;
  });
}

/**
 * `npm ci`; and where it refuses (it does when the lock file lacks a package for another system,
 * which npm leaves out if the registry in use has not got it), `npm install` without saving.
 */
function runNpm() {
  process.stderr.write('sojourn: installing the npm packages, usually less than a minute\n');
  // Our own `engines` are what we test; a package may name a newer Node than it needs (@nats-io/nuid).
  const common = ['--no-audit', '--no-fund', '--engine-strict=false'];
  if (npm(['ci', ...common, '--loglevel=silent']).status === 0) return;
  const quiet = process.stderr.isTTY === true ? [] : ['--loglevel=error', '--no-progress'];
  const result = npm(['install', '--no-save', ...common, ...quiet]);
  if (result.status === 0) return;
  const why = result.error?.message ?? `npm ended with code ${result.status ?? result.signal}`;
  throw new Error(`could not install the npm packages in ${root}: ${why}`);
}

function npm(args) {
  return spawnSync('npm', args, {
    cwd: root,
    // On standard error throughout: standard output may be somebody's JSON.
    stdio: ['ignore', process.stderr.fd, process.stderr.fd],
    shell: process.platform === 'win32',
  });
}

async function takeLock() {
  let told = false;
  for (;;) {
    try {
      mkdirSync(lockFolder);
      writeFileSync(join(lockFolder, 'pid'), String(process.pid));
      return () => rmSync(lockFolder, { recursive: true, force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (isAbandoned()) {
      rmSync(lockFolder, { recursive: true, force: true });
      continue;
    }
    if (!told)
      process.stderr.write('sojourn: waiting for another start to install the npm packages\n');
    told = true;
    await sleep(POLL_MS);
  }
}

function isAbandoned() {
  try {
    if (Date.now() - statSync(lockFolder).mtimeMs > LOCK_AGE_MAX_MS) return true;
    process.kill(Number(readFileSync(join(lockFolder, 'pid'), 'utf8')), 0);
    return false;
  } catch (error) {
    // ENOENT: just released, or just taken and not yet signed.
    return error.code === 'ESRCH';
  }
}

/** `npx sojourn` finds the command here at once; without it npx makes a detour over its own cache. */
function linkCommand() {
  const link = join(root, 'node_modules', '.bin', 'sojourn');
  if (existsSync(link) || process.platform === 'win32') return;
  try {
    mkdirSync(join(root, 'node_modules', '.bin'), { recursive: true });
    symlinkSync('../../bin/sojourn.mjs', link);
  } catch {
    // Read-only, or another start was faster: npx still works.
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await installPackages();
}
