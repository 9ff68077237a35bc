/** The folder of an import while it goes on: for its owner only, and gone when it ends, or when the next one begins. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

export interface WorkFolder {
  readonly path: string;
  remove(): void;
}

/** With the process whose it is. */
const NAME = /^import-(\d+)-/;

/** @param dataDir of the command */
export function openWorkFolder(dataDir: string): WorkFolder {
  const all = join(dataDir, 'imports');
  mkdirSync(all, { recursive: true, mode: 0o700 });
  removeLeftOvers(all);
  const path = mkdtempSync(join(all, `import-${process.pid}-`));
  return {
    path,
    remove() {
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** Of commands that were killed. */
function removeLeftOvers(all: string): void {
  for (const path of leftOvers(all)) rmSync(path, { recursive: true, force: true });
}

function leftOvers(all: string): string[] {
  return readdirSync(all).flatMap((name) => {
    const [, pid] = NAME.exec(name) ?? [];
    return pid === undefined || isRunning(Number(pid)) ? [] : [join(all, name)];
  });
}

/** What killed imports of a data directory have left. @returns how many there are, or were */
export function clearWorkFolders(dataDir: string, isDryRun: boolean): number {
  const all = join(dataDir, 'imports');
  if (!existsSync(all)) return 0;
  const { length } = leftOvers(all);
  if (!isDryRun) removeLeftOvers(all);
  return length;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process is one, too.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
