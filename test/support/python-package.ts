/** A package of PyPI in a virtual environment of its own, made once and kept in the cache of this checkout. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { processEnvironment } from '../../platform/config.ts';

const run = promisify(execFile);
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/sojourn/python/', import.meta.url));
const INSTALL_MS_MAX = 120_000;

export interface PythonPackage {
  readonly name: string;
  readonly version: string;
}

/**
 * @returns the path of an interpreter that has it; undefined where there is no Python with `venv`, or the package
 * cannot be had
 */
export async function pythonWith({ name, version }: PythonPackage): Promise<string | undefined> {
  const folder = join(CACHE, `${name}-${version}`);
  const python = join(folder, 'bin', 'python');
  const done = join(folder, 'installed');
  if (existsSync(done)) return python;
  const options = { timeout: INSTALL_MS_MAX, env: { ...processEnvironment() } };
  try {
    mkdirSync(CACHE, { recursive: true });
    // What was left of an installation that did not come to its end.
    rmSync(folder, { recursive: true, force: true });
    await run('python3', ['-m', 'venv', folder], options);
    await run(python, ['-m', 'pip', 'install', '--quiet', `${name}==${version}`], options);
    writeFileSync(done, '');
    return python;
  } catch {
    rmSync(folder, { recursive: true, force: true });
    return undefined;
  }
}

/** Runs a script to its end. @throws with what it wrote where it fails */
export async function runPython(
  python: string,
  script: URL,
  args: readonly string[],
): Promise<void> {
  await run(python, [fileURLToPath(script), ...args], { timeout: 60_000 });
}
