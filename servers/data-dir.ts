/** A data folder belongs to one process at a time, and keeps the passwords made for it. */
import { isDeepStrictEqual } from 'node:util';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import lockfile from 'proper-lockfile';
import { SojournError } from '../shared/errors.ts';
import type { ClickhousePasswords } from './clickhouse-config.ts';
import { identify, isAlive, type ProcessIdentity } from './process-identity.ts';

export interface Secrets {
  readonly clickhouse: ClickhousePasswords;
  readonly redisPassword: string;
}

interface Holder extends ProcessIdentity {
  readonly host: string;
}

/** Permission bits of everybody but the owner, and the bit of folders that everybody shares. */
const OTHERS = 0o077;
const SHARED = 0o1000;

/**
 * Passwords and visitors' data lie in it. A folder that was there before keeps its mode otherwise.
 * @throws SojournError `SJ_SERVER_START` where it is everybody's, such as /tmp, or somebody else's
 */
function closeToOthers(dataDir: string): void {
  const { mode } = statSync(dataDir);
  if ((mode & OTHERS) === 0) return;
  const refuse = (why: string, cause?: unknown): never => {
    throw new SojournError(
      'SJ_SERVER_START',
      `the data folder ${dataDir} can be read by others, and ${why}; choose a folder of its own with --data-dir`,
      { cause },
    );
  };
  if ((mode & SHARED) !== 0) refuse('is shared by everybody');
  try {
    chmodSync(dataDir, 0o700);
  } catch (error) {
    refuse('its mode cannot be changed', error);
  }
}

/**
 * Takes the folder for this process, or throws. What a crashed process left behind is taken over at
 * once; so is what another host left (a container's name changes): that two machines use one folder
 * at the same time is for the servers' own locks to find.
 */
export async function lockDataDir(dataDir: string): Promise<() => void> {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  closeToOthers(dataDir);
  const file = join(dataDir, 'lock.json');
  const me: Holder = { ...identify(process.pid), host: hostname() };
  // The judging and the writing are one step, hence a lock around them, held for milliseconds.
  const unlock = await lockfile.lock(dataDir, {
    lockfilePath: join(dataDir, 'lock.json.lock'),
    stale: 5_000,
    retries: { retries: 40, minTimeout: 50, maxTimeout: 250 },
    // By default it throws out of a timer. Nothing is lost: the step is done within milliseconds.
    onCompromised: () => undefined,
  });
  try {
    const holder = readHolder(file);
    if (holder?.host === me.host && isAlive(holder)) {
      throw new SojournError(
        'SJ_SERVER_START',
        `the data folder ${dataDir} is in use by process ${holder.pid}; stop that one, or choose another folder with --data-dir`,
      );
    }
    writeFileSync(file, JSON.stringify(me));
  } finally {
    await unlock();
  }
  return () => {
    rmSync(file, { force: true });
  };
}

/** The passwords of this folder, made where they are missing; only the user can read the file. */
export function readOrMakeSecrets(dataDir: string): Secrets {
  const file = join(dataDir, 'secrets.json');
  const kept = readSecrets(file);
  const { adminPassword, writerPassword, biPassword, martsPassword } = kept.clickhouse ?? {};
  const secrets: Secrets = {
    clickhouse: {
      adminPassword: adminPassword ?? newPassword(),
      writerPassword: writerPassword ?? newPassword(),
      biPassword: biPassword ?? newPassword(),
      martsPassword: martsPassword ?? newPassword(),
    },
    redisPassword: kept.redisPassword ?? newPassword(),
  };
  if (isDeepStrictEqual(secrets, kept)) return secrets;
  const temporary = `${file}.new`;
  rmSync(temporary, { force: true });
  writeFileSync(temporary, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
  renameSync(temporary, file);
  return secrets;
}

/** Whether a ClickHouse with this admin password is the one of the folder. @throws SojournError `SJ_SERVER_START` */
export function ownsClickhouse(dataDir: string, adminPassword: string | undefined): boolean {
  const own = readSecrets(join(dataDir, 'secrets.json')).clickhouse?.adminPassword;
  return own !== undefined && own === adminPassword;
}

/** Those of an earlier version, which knew fewer users, or none. */
function readSecrets(file: string): {
  readonly clickhouse?: Partial<ClickhousePasswords>;
  readonly redisPassword?: string;
} {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Partial<Secrets>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new SojournError('SJ_SERVER_START', `cannot read the passwords in ${file}`, {
      cause: error,
    });
  }
}

/** Letters and digits only: it goes into URLs, shell lines and configuration files as it is. */
function newPassword(): string {
  return randomBytes(18).toString('hex');
}

function readHolder(file: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Holder;
  } catch {
    // Nobody, or a process that was killed while it wrote its name.
    return undefined;
  }
}
