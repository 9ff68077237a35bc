/**
 * The folder of an import while it goes on: for its owner only, and gone when it ends. Its owner touches it all the time; one
 * that nobody touches any more is removed when the next import begins, or somebody is forgotten. The id of a process would
 * not tell: in containers, which may share a data directory, everybody's is 1.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import { join } from 'node:path';

export interface WorkFolder {
  readonly path: string;
  remove(): void;
}

/** With the process whose it is, for people. */
const NAME = /^import-\d+-/;

const TOUCH_EVERY_MS = 30_000;
/** Many times longer, for a process that is busy, or stopped for a while. */
const LEFT_AFTER_MS = 600_000;

/** @param dataDir of the command */
export function openWorkFolder(dataDir: string, touchEveryMs = TOUCH_EVERY_MS): WorkFolder {
  const all = join(dataDir, 'imports');
  mkdirSync(all, { recursive: true, mode: 0o700 });
  removeLeftOvers(all);
  const path = mkdtempSync(join(all, `import-${process.pid}-`));
  const touching = setInterval(() => {
    const now = new Date();
    // Where somebody has removed it, the import fails on its files, not here.
    if (existsSync(path)) utimesSync(path, now, now);
  }, touchEveryMs).unref();
  return {
    path,
    remove() {
      clearInterval(touching);
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** Of commands that were killed. */
function removeLeftOvers(all: string): void {
  for (const path of leftOvers(all)) rmSync(path, { recursive: true, force: true });
}

function leftOvers(all: string): string[] {
  const leftBefore = Date.now() - LEFT_AFTER_MS;
  return readdirSync(all)
    .filter((name) => NAME.test(name))
    .map((name) => join(all, name))
    .filter((path) => (touchedAt(path) ?? Infinity) < leftBefore);
}

/** Epoch milliseconds; undefined where its owner has removed it since it was listed. */
function touchedAt(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}

/** What killed imports of a data directory have left. @returns how many there are, or were */
export function clearWorkFolders(dataDir: string, isDryRun: boolean): number {
  const all = join(dataDir, 'imports');
  if (!existsSync(all)) return 0;
  const { length } = leftOvers(all);
  if (!isDryRun) removeLeftOvers(all);
  return length;
}
