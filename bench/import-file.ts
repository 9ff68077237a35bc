/** A file of history as an import gets it, and the import of it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { select } from '../platform/clickhouse.ts';
import { processEnvironment } from '../platform/config.ts';
import type { Pids } from './processes.ts';
import { type Taken, takenBy } from './taken.ts';
import { benchEvent } from './traffic.ts';
import type { World } from './world.ts';

const COMMAND = fileURLToPath(new URL('../bin/sojourn.mjs', import.meta.url));
/** A week of traffic, which is past the late window. */
const BEGAN = Date.UTC(2025, 4, 5);
const WEEK_MS = 7 * 86_400_000;
/** Sessions of an hour or so lie scattered among each other, as they do in a log. */
export const TOGETHER = 1_000;

/** A week of events, one a line. */
export interface EventFile {
  readonly path: string;
  /** Each counted once. */
  readonly events: number;
  readonly perSession: number;
  /** No event comes later than this after one of a later time, milliseconds. */
  readonly disorderMs: number;
}

/** @param repeatEvery where it is given, every so manyth event is there twice, later on */
export async function writeEventFile(
  path: string,
  events: number,
  perSession: number,
  repeatEvery?: number,
): Promise<EventFile> {
  const out = createWriteStream(path, { highWaterMark: 1024 * 1024 });
  const sessions = Math.ceil(events / perSession);
  const everyMs = WEEK_MS / sessions;
  for (let first = 0; first < sessions; first += TOGETHER) {
    let text = '';
    let again = '';
    for (let n = 0; n < perSession; n += 1) {
      for (let s = first; s < Math.min(sessions, first + TOGETHER); s += 1) {
        const at = BEGAN + Math.floor(s * everyMs);
        const line = `${JSON.stringify(benchEvent(s, n, perSession, at))}\n`;
        text += line;
        if (repeatEvery !== undefined && (s + n) % repeatEvery === 0) again += line;
      }
      text += again;
      again = '';
    }
    if (!out.write(text)) await once(out, 'drain');
  }
  out.end();
  await once(out, 'finish');
  const disorderMs = Math.ceil(TOGETHER * everyMs) + perSession * 1_000;
  return { path, events: sessions * perSession, perSession, disorderMs };
}

export interface Imported extends Taken {
  readonly project: string;
}

/**
 * One command, from the file to rows that can be queried, into a project of its own.
 * @param before what is looked at besides the command itself
 * @throws Error where not all of it is there afterwards
 */
export async function importFile(
  world: World,
  { path, events }: EventFile,
  before: Pids = world.pids,
): Promise<Imported> {
  const project = world.project();
  const { PATH = '', HOME = '' } = processEnvironment();
  const dataDir = mkdtempSync(join(tmpdir(), 'sojourn-bench-import-'));
  try {
    const taken = await takenBy(before, async (watch) => {
      const words = ['import', path, '--project', project, '--data-dir', dataDir, '--json'];
      const child = spawn(process.execPath, [COMMAND, ...words], {
        env: { PATH, HOME, ...world.environment },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      watch('import', child.pid ?? 0);
      const [code] = (await once(child, 'exit')) as [number | null];
      if (code !== 0) throw new Error(`the import ended with ${code}`);
    });
    await expectCounted(world, project, events);
    return { ...taken, project };
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** All of them are in the tables that people query. */
async function expectCounted(world: World, project: string, events: number): Promise<void> {
  const [row] = await select<{ counted: string }>(
    world.admin,
    'SELECT toString(sum(events)) AS counted FROM sojourn.sessions FINAL WHERE project = {project:String}',
    { project },
  );
  if (Number(row?.counted) < events)
    throw new Error(`${row?.counted} events of ${events} are there`);
}
