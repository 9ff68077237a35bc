/**
 * Analysts of an embedded ClickHouse, which knows only users from its files: kept in the data folder, with hashes of their
 * passwords. The server takes them in when it starts; `up` starts it anew when they have changed.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import lockfile from 'proper-lockfile';
import type { NewAnalyst } from '../platform/analyst-users.ts';
import { SojournError } from '../shared/errors.ts';
import { PROJECT_PATTERN } from '../shared/ids.ts';

/** By name. @throws SojournError `SJ_SERVER_START` where the file cannot be read: nobody is shut out, or let in, by mistake */
export function readAnalysts(dataDir: string): readonly NewAnalyst[] {
  const file = analystsFile(dataDir);
  try {
    const kept: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (Array.isArray(kept) && kept.every(isAnalyst)) return kept;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new SojournError('SJ_SERVER_START', `cannot read the analysts in ${file}`, {
      cause: error,
    });
  }
  throw new SojournError('SJ_SERVER_START', `${file} holds something else than analysts`);
}

/** What goes into the server's configuration unescaped is of the letters of a project, or hex. */
function isAnalyst(value: unknown): value is NewAnalyst {
  if (typeof value !== 'object' || value === null) return false;
  const { name, project, passwordHash } = value as Partial<Record<keyof NewAnalyst, unknown>>;
  return (
    [name, project].every((text) => typeof text === 'string' && PROJECT_PATTERN.test(text)) &&
    typeof passwordHash === 'string' &&
    /^[0-9a-f]{64}$/.test(passwordHash)
  );
}

/** Changes the list. Others who do the same wait for each other. @throws SojournError `SJ_SERVER_START` */
export async function changeAnalysts(
  dataDir: string,
  change: (before: readonly NewAnalyst[]) => readonly NewAnalyst[],
): Promise<void> {
  const file = analystsFile(dataDir);
  const unlock = await lockfile.lock(dataDir, {
    lockfilePath: `${file}.lock`,
    stale: 5_000,
    retries: { retries: 40, minTimeout: 50, maxTimeout: 250 },
    onCompromised: () => undefined,
  });
  try {
    const analysts = [...change(readAnalysts(dataDir))];
    analysts.sort((a, b) => (a.name < b.name ? -1 : 1));
    const temporary = `${file}.new`;
    rmSync(temporary, { force: true });
    writeFileSync(temporary, `${JSON.stringify(analysts, null, 2)}\n`, { mode: 0o600 });
    renameSync(temporary, file);
  } finally {
    await unlock();
  }
}

function analystsFile(dataDir: string): string {
  return join(dataDir, 'clickhouse-analysts.json');
}
