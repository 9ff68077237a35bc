/** What operators do to the tables of ClickHouse, to Redis, and to the loader that fills the tables. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { LOADER_WORKFLOW, loaderWorkflowId } from '../../../shared/ids.ts';
import { eventually } from '../eventually.ts';
import { pick } from '../random.ts';
import {
  asAdmin,
  auditCode,
  aVisit,
  type Doing,
  PATIENCE,
  publishAll,
  untilAllTaken,
  untilRows,
  withTemporal,
} from './doing.ts';
import { resetRun } from './sessions.ts';

/** Inserts fail meanwhile, and wait. */
export async function tableDetached(doing: Doing): Promise<void> {
  const table = pick(doing.random, ['metrics', 'sessions', 'metrics_inbox', 'loaded_ranges']);
  doing.note(`detaches ${table}`);
  await asAdmin(doing, `DETACH TABLE sojourn.${table} SYNC`);
  await sleep(doing.forMs);
  await asAdmin(doing, `ATTACH TABLE IF NOT EXISTS sojourn.${table}`);
}

/** The view between the way in and `metrics`: without it what comes in goes nowhere. */
export async function viewDetached(doing: Doing): Promise<void> {
  const beside = `${doing.project}-view`;
  const visit = aVisit(beside, 'a', { ends: true });
  doing.expectBeside(beside, visit);
  await asAdmin(doing, 'DETACH TABLE sojourn.metrics_intake SYNC');
  await publishAll(doing, visit);
  await untilAllTaken(doing);
  await sleep(doing.forMs);
  await asAdmin(doing, 'ATTACH TABLE IF NOT EXISTS sojourn.metrics_intake');
}

/**
 * A table emptied is what has been loaded lost, as docs/operating.md says: `audit` tells. Put back from the copy, and
 * nothing differs.
 */
export async function tableEmptied(doing: Doing): Promise<void> {
  const beside = `${doing.project}-emptied`;
  const visit = aVisit(beside, 'a', { ends: true });
  doing.expectBeside(beside, visit);
  await publishAll(doing, visit);
  await untilRows(doing, beside, visit);
  const table = pick(doing.random, ['metrics', 'sessions']);
  const copy = `${table}_copy`;
  await asAdmin(
    doing,
    `DROP TABLE IF EXISTS sojourn.${copy}`,
    `CREATE TABLE sojourn.${copy} AS sojourn.${table}`,
    `INSERT INTO sojourn.${copy} SELECT * FROM sojourn.${table}`,
    `TRUNCATE TABLE sojourn.${table}`,
  );
  const code = await auditCode(doing, beside);
  if (code !== 1) throw new Error(`${table} is empty, and audit ends with ${String(code)}`);
  await asAdmin(
    doing,
    `INSERT INTO sojourn.${table} SELECT * FROM sojourn.${copy} SETTINGS insert_deduplicate = 0`,
    `DROP TABLE sojourn.${copy}`,
  );
  const after = await auditCode(doing, beside);
  if (after !== 0) throw new Error(`${table} is put back, and audit ends with ${String(after)}`);
}

/** Some users count as new once more; new and returning ones together stay the same number. */
export async function redisEmptied(doing: Doing): Promise<void> {
  const redis = new Redis(doing.world.servers.redis.url, { maxRetriesPerRequest: null });
  try {
    await redis.flushall();
  } finally {
    redis.disconnect();
  }
}

/** Back to what it held some seconds ago. */
export async function redisPutBack(doing: Doing): Promise<void> {
  await putBack(doing, 'redis', () => sleep(doing.forMs));
}

/** What was published since is in Temporal and ClickHouse, and NATS gives its places out again. */
export async function natsPutBack(doing: Doing): Promise<void> {
  const beside = `${doing.project}-nats-back`;
  const between = ['a', 'b', 'c'].flatMap((id) => aVisit(beside, id, { ends: true }));
  const after = aVisit(beside, 'after', { from: 10, ends: true });
  doing.expectBeside(beside, [...between, ...after]);
  await putBack(doing, 'nats', async () => {
    await publishAll(doing, between);
    await untilRows(doing, beside, between);
    await untilAllTaken(doing);
  });
  await publishAll(doing, after);
}

/** A server's files as they are now, after whatever happens in between. */
async function putBack(
  { world }: Doing,
  server: 'nats' | 'redis',
  between: () => Promise<void>,
): Promise<void> {
  const folder = join(world.servers.dataDir, server);
  const copy = mkdtempSync(join(tmpdir(), `sojourn-${server}-`));
  try {
    cpSync(folder, copy, { recursive: true });
    await between();
    world.servers[server].kill();
    await world.servers[server].exited;
    rmSync(folder, { recursive: true, force: true });
    cpSync(copy, folder, { recursive: true });
    await world.servers.restart(server);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** A visit that was loaded before, and one whose rows wait while the loader is away. */
async function visitsAround(doing: Doing, name: string, act: () => Promise<void>): Promise<void> {
  const beside = `${doing.project}-${name}`;
  const before = aVisit(beside, 'before', { ends: true });
  const after = aVisit(beside, 'after', { from: 10, ends: true });
  doing.expectBeside(beside, [...before, ...after]);
  await publishAll(doing, before);
  await untilRows(doing, beside, before);
  await act();
  await publishAll(doing, after);
  await untilAllTaken(doing);
}

/** What docs/operating.md says to do then is to restart a worker. */
export async function loaderTerminated(doing: Doing): Promise<void> {
  await visitsAround(doing, 'loader-end', async () => {
    await withTemporal(doing, async (client) => {
      await client.workflow.getHandle(loaderWorkflowId(0)).terminate('a fault test');
    });
  });
  for (const one of doing.world.processes) await one.restart();
}

/** To its first task: the loader is back where this run of it began. */
export async function loaderReset(doing: Doing): Promise<void> {
  await visitsAround(doing, 'loader-reset', () =>
    withTemporal(doing, async (client) => {
      const workflowId = loaderWorkflowId(0);
      const handle = client.workflow.getHandle(workflowId);
      const { runId, type } = await eventually(() => handle.describe(), PATIENCE);
      if (type !== LOADER_WORKFLOW) throw new Error(`${workflowId} is a ${type}`);
      await resetRun(client, workflowId, runId);
    }),
  );
}
