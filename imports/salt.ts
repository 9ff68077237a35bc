/** What hashes of addresses are made with: random, kept in the data directory, so that a broken-off import goes on with it. */
import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** @param dataDir of the command; the same for all imports from there */
export function importSalt(dataDir: string): string {
  const folder = join(dataDir, 'imports');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, 'salt');
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, randomBytes(32).toString('hex'), { mode: 0o600 });
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(draft);
  }
  return readFileSync(path, 'utf8');
}
