/** What operators do to the tables of ClickHouse, to Redis, and to the loader that fills the tables. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import {
  EVENTS_CONSUMER,
  EVENTS_STREAM,
  LOADER_WORKFLOW,
  loaderWorkflowId,
  sessionWorkflowId,
} from '../../../shared/ids.ts';
import { eventually } from '../eventually.ts';
import { pick } from '../random.ts';
import type { ReferenceEvent } from '../reference.ts';
import {
  asAdmin,
  audit,
  aVisit,
  clickHouseTrouble,
  type Doing,
  expectAudit,
  migrate,
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

/** What brings the view back, by what has taken it away. */
const VIEW_BACK: readonly (readonly [gone: string, back: 'ATTACH' | 'migrate'])[] = [
  ['DETACH TABLE sojourn.metrics_intake SYNC', 'ATTACH'],
  ['DETACH TABLE sojourn.metrics_intake PERMANENTLY SYNC', 'migrate'],
  ['DROP TABLE sojourn.metrics_intake SYNC', 'migrate'],
];

/** The view between the way in and `metrics`: without it what comes in would go nowhere, so the loader waits. */
export async function viewDetached(doing: Doing): Promise<void> {
  const beside = `${doing.project}-view`;
  const visit = aVisit(beside, 'a', { ends: true });
  doing.expectBeside(beside, visit);
  const [gone, back] = pick(doing.random, VIEW_BACK);
  // An `up` that starts meanwhile would bring it back.
  await untilAllReady(doing);
  const says = logsFromNow(doing);
  doing.note(gone);
  await asAdmin(doing, gone);
  await publishAll(doing, visit);
  await untilAllTaken(doing);
  await eventually(() => {
    if (!says('SJ_INTAKE_MISSING')) throw new Error('no log says that the view is missing');
  }, PATIENCE);
  const trouble = await clickHouseTrouble(doing);
  if (!trouble.includes('metrics_intake')) throw new Error(`status says of it: '${trouble}'`);
  await sleep(doing.forMs);
  if (back === 'migrate') await migrate(doing);
  else await asAdmin(doing, 'ATTACH TABLE IF NOT EXISTS sojourn.metrics_intake');
}

function untilAllReady({ world }: Doing): Promise<void> {
  return eventually(() => {
    const starting = [...world.processes].filter(({ isReady }) => !isReady);
    if (starting.length > 0) throw new Error(`${starting[0]?.name} is not ready`);
  }, PATIENCE);
}

/** Whether one of the processes has logged something since. */
function logsFromNow({ world }: Doing): (what: string) => boolean {
  const from = new Map([...world.processes].map((one) => [one, one.log.length] as const));
  return (what) => [...from].some(([one, start]) => one.log.slice(start).includes(what));
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
  await expectAudit(doing, beside, 1, `${table} is empty`);
  await asAdmin(
    doing,
    `INSERT INTO sojourn.${table} SELECT * FROM sojourn.${copy} SETTINGS insert_deduplicate = 0`,
    `DROP TABLE sojourn.${copy}`,
  );
  await expectAudit(doing, beside, 0, `${table} is put back`);
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

/**
 * NATS gives out its places again: what was loaded since the copy counts once, what ingest holds counts, and what comes
 * later counts. Lost is what sessions had written and nobody had loaded yet, and `audit` tells of both.
 */
export async function natsPutBack(doing: Doing): Promise<void> {
  const beside = `${doing.project}-nats-back`;
  const unloaded = `${doing.project}-nats-lost`;
  const between = ['a', 'b', 'c'].flatMap((id) => aVisit(beside, id, { ends: true }));
  const after = aVisit(beside, 'after', { from: 10, ends: true });
  doing.expectBeside(beside, [...between, ...after]);
  doing.expectBeside(unloaded, []);
  const { held, later } = visitsInOnePlace(doing);
  let place = 0;
  try {
    await putBack(doing, 'nats', async () => {
      await publishAll(doing, between);
      await untilRows(doing, beside, between);
      // The row of its session comes through, its metrics do not.
      await asAdmin(doing, 'DETACH TABLE sojourn.metrics_inbox SYNC');
      await publishAll(doing, aVisit(unloaded, 'lost', { ends: true }));
      await untilAllTaken(doing);
      await untilEnded(doing, unloaded, 'lost');
      doing.world.proxies.temporal.set('cut');
      await publishAll(doing, held);
      place = await untilHeld(doing);
    });
    // The next message gets this sequence, as it would after as many messages.
    await eventually(() => doing.world.jsm.streams.purge(EVENTS_STREAM, { seq: place }), PATIENCE);
    await publishAll(doing, later);
  } finally {
    doing.world.proxies.temporal.set('pass');
    await asAdmin(doing, 'ATTACH TABLE IF NOT EXISTS sojourn.metrics_inbox');
  }
  await publishAll(doing, after);
  await untilRows(doing, beside, [...between, ...after]);
  await expectAudit(doing, unloaded, 1, 'what was not loaded is lost');
  await expectAudit(doing, beside, 0, 'what was loaded is kept');
  const { stderr } = await audit(doing, beside);
  if (!stderr.includes('put back')) throw new Error(`audit does not tell of it: ${stderr}`);
}

/** One that ingest holds while NATS is put back, and one whose first message gets its sequence then. */
function visitsInOnePlace(doing: Doing): Record<'held' | 'later', ReferenceEvent[]> {
  const beside = `${doing.project}-nats-held`;
  const held = aVisit(beside, 'held', { views: 1 });
  const later = aVisit(beside, 'later', { from: 10, ends: true });
  doing.expectBeside(beside, [...held, ...later]);
  return { held, later };
}

/** @returns the sequence of the one message that ingest holds */
async function untilHeld({ world }: Doing): Promise<number> {
  return eventually(async () => {
    const { num_ack_pending, delivered } = await world.jsm.consumers.info(
      EVENTS_STREAM,
      EVENTS_CONSUMER,
    );
    if (num_ack_pending !== 1) throw new Error(`${num_ack_pending} messages are held`);
    return delivered.stream_seq;
  }, PATIENCE);
}

/** Waits until the session of a project has ended: in the table of sessions, and for Temporal, or it writes once more. */
async function untilEnded(doing: Doing, project: string, sessionId: string): Promise<void> {
  await withTemporal(doing, (client) =>
    eventually(async () => {
      const workflowId = sessionWorkflowId(project, sessionId);
      const { status } = await client.workflow.getHandle(workflowId).describe();
      if (status.name !== 'COMPLETED') throw new Error(`${workflowId} is ${status.name}`);
    }, PATIENCE),
  );
  await eventually(async () => {
    const ended = await doing.world.around.select(
      `SELECT 1 FROM sojourn.sessions WHERE project = '${project}' AND state = 'ended'`,
    );
    if (ended.length === 0) throw new Error(`the session of ${project} has not ended`);
  }, PATIENCE);
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

/** A worker starts it again within a minute, and a restarted one at once. */
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
