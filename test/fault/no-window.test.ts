/**
 * No window is leaned on: the servers remember message ids and tokens for as short as they can, and
 * everything still counts once. What holds is told in docs/delivery-guarantees.md.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { nanos } from '@nats-io/transport-node';
import { loadBatch, type TableWriter } from '../../activities/load-batch.ts';
import { connectClickHouse } from '../../platform/clickhouse.ts';
import { createTableWriter } from '../../platform/table-writer.ts';
import { loadConfig, requireServers } from '../../platform/config.ts';
import { createRollupLog, isApiError } from '../../platform/nats.ts';
import { EVENTS_STREAM, ROLLUPS_STREAM } from '../../shared/ids.ts';
import { type LogRange, rangeToken } from '../../shared/ranges.ts';
import { eventually } from '../support/eventually.ts';
import { assertRight, playRound } from '../support/fault-round.ts';
import { makeTraffic, type Traffic } from '../support/fault-traffic.ts';
import { type FaultWorld, startFaultWorld } from '../support/fault-world.ts';
import { environmentOf } from '../support/pipeline.ts';
import { randomOf } from '../support/random.ts';

const SETTINGS = { SESSION_IDLE_TIMEOUT: '2s', SESSION_CHECKPOINT: '500ms', LATE_GRACE: '500ms' };
const SHAPE = { sessions: 10, durationMs: 1_500 };
const SETTLED_MS = 150_000;
const TEST_MS_MAX = 420_000;
const START_MS_MAX = 20 * 60_000;
/** The least that JetStream allows. */
const DUPLICATE_WINDOW_MS = 100;
/** A server that is busy looks later than that at what it may forget. */
const FORGOTTEN_MS = 2_000;

/** What is taken is loaded by then. */
const SOON_MS = 4_000;

describe('with no window to lean on', function () {
  this.timeout(TEST_MS_MAX);
  const random = randomOf(3);
  let world: FaultWorld;
  /** ClickHouse as the loader sees it, without a proxy between. */
  let tables: TableWriter & { close(): Promise<void> };
  let failed = false;

  before('start the servers', async function () {
    this.timeout(START_MS_MAX);
    world = await startFaultWorld({ seed: 3, settings: SETTINGS });
    await world.jsm.streams.update(EVENTS_STREAM, { duplicate_window: nanos(DUPLICATE_WINDOW_MS) });
    await forgetTokens(world);
    const config = requireServers(loadConfig(environmentOf(world.servers)), ['CLICKHOUSE_URL']);
    const client = connectClickHouse(config, 'writer');
    tables = { ...createTableWriter(client), close: () => client.close() };
    // Not `up`: it migrates, which would put the windows back.
    world.run('worker', ['worker']);
    world.run('ingest', ['ingest']);
    await world.heal();
  });

  afterEach(function () {
    for (const proxy of Object.values(world.proxies)) proxy.set('pass');
    failed ||= this.currentTest?.isFailed() ?? false;
  });

  after('stop everything', async function () {
    this.timeout(240_000);
    await tables.close();
    await world.close(failed);
  });

  const publishAll = async (project: string, { messages }: Traffic) => {
    for (const { payload, messageId } of messages) await world.publish(project, payload, messageId);
  };
  const expectRight = (project: string, traffic: Traffic) =>
    eventually(() => assertRight(world, project, traffic), { withinMs: SETTLED_MS });

  it('counts an event once that JetStream takes twice', async () => {
    const traffic = makeTraffic(random, 'twice', SHAPE);
    await publishAll('twice', traffic);
    const before = await world.jsm.streams.info(EVENTS_STREAM);
    await sleep(FORGOTTEN_MS);

    await publishAll('twice', traffic);

    const after = await world.jsm.streams.info(EVENTS_STREAM);
    const ids = new Set(traffic.messages.map(({ messageId }) => messageId));
    expect(after.state.last_seq - before.state.last_seq).to.be.at.least(ids.size);
    await expectRight('twice', traffic);
  });

  it('counts an insert once whose reply was lost', async () => {
    const traffic = makeTraffic(random, 'unanswered', SHAPE);
    const half = Math.ceil(traffic.messages.length / 2);
    // The loader reads what there is of a day when it first meets it; later it only inserts.
    await publishAll('unanswered', { ...traffic, messages: traffic.messages.slice(0, half) });
    const countNow = async () => Number(await countOf(world, 'unanswered'));
    await eventually(
      async () => {
        expect(await world.unfinishedEvents()).to.equal(0);
        expect(await countNow()).to.be.above(0);
      },
      { withinMs: SETTLED_MS },
    );
    await sleep(SOON_MS);
    const before = await countNow();
    // Questions are answered: the loader begins no load before ClickHouse has said how far it is.
    world.proxies.clickhouse.set('dropReply', 'INSERT');
    await publishAll('unanswered', { ...traffic, messages: traffic.messages.slice(half) });
    // It is in, and the loader does not know.
    await eventually(
      async () => {
        expect(await countNow()).to.be.above(before);
      },
      { withinMs: SETTLED_MS },
    );
    const attempts = world.proxies.clickhouse.hits.dropReply;
    await eventually(
      () => {
        expect(world.proxies.clickhouse.hits.dropReply).to.be.above(attempts + 1);
      },
      { withinMs: SETTLED_MS },
    );

    world.proxies.clickhouse.set('pass');

    await expectRight('unanswered', traffic);
  });

  it('lets an insert go that comes after later ones, though its token is forgotten', async () => {
    const log = createRollupLog({
      connection: world.around.nc,
      js: world.around.js,
      jsm: world.jsm,
    });
    const traffic = makeTraffic(random, 'zombie', SHAPE);
    await publishAll('zombie', traffic);
    await expectRight('zombie', traffic);
    const zombie = await newestRange(world);
    const later = makeTraffic(random, 'later', SHAPE);
    await publishAll('later', later);
    await expectRight('later', later);
    const newest = await newestRange(world);
    expect(newest.from).to.be.above(zombie.to);

    await loadBatch(log, tables, zombie);

    await assertRight(world, 'zombie', traffic);
    await assertRight(world, 'later', later);
    // What let it go is the fence: past the fence the old token would not have been recognised.
    const probe = (token: string) =>
      tables.insert('metrics_inbox', [aProbeRow(newest.to + 1, newest)], token);
    await probe(rangeToken(zombie));
    expect(await countOf(world, 'probe')).to.equal('1');
    await probe(rangeToken(zombie));
    expect(await countOf(world, 'probe')).to.equal('1');
  });

  it('refuses a second record under the number of a write', async () => {
    const { state } = await world.jsm.streams.info(ROLLUPS_STREAM);
    const record = await world.jsm.streams.getMessage(ROLLUPS_STREAM, { seq: state.first_seq });
    if (record === null) throw new Error('the log is empty');

    for (const data of [record.data, 'something else']) {
      const refusal: unknown = await world.around.js
        .publish(record.subject, data)
        .catch((error: unknown) => error);
      expect(isApiError(refusal, 10077), String(refusal)).to.equal(true);
    }

    expect((await world.jsm.streams.info(ROLLUPS_STREAM)).state.last_seq).to.equal(state.last_seq);
  });

  it('is right after replies of all servers were lost and both processes killed', async () => {
    const traffic = makeTraffic(random, 'storm', { ...SHAPE, durationMs: 3_000 });
    const faults = [
      { fault: { kind: 'dropReply', target: 'clickhouse' }, atMs: 300, forMs: 2_000 },
      { fault: { kind: 'dropReply', target: 'nats' }, atMs: 900, forMs: 700 },
      { fault: { kind: 'dropReply', target: 'redis' }, atMs: 900, forMs: 700 },
      { fault: { kind: 'dropReply', target: 'temporal' }, atMs: 1_500, forMs: 700 },
      { fault: { kind: 'kill', target: 'process' }, atMs: 2_300, forMs: 0 },
      { fault: { kind: 'kill', target: 'process' }, atMs: 2_400, forMs: 0 },
    ] as const;

    await playRound(
      world,
      'storm',
      { traffic, plan: { faults, isCluster: false }, random },
      SETTLED_MS,
    );
  });
});

async function forgetTokens(world: FaultWorld): Promise<void> {
  const config = requireServers(loadConfig(environmentOf(world.servers)), ['CLICKHOUSE_URL']);
  const admin = connectClickHouse(config, 'admin');
  for (const table of ['metrics', 'sessions']) {
    await admin.command({
      query: `ALTER TABLE sojourn.${table} MODIFY SETTING non_replicated_deduplication_window = 1`,
    });
  }
  await admin.close();
}

/** The range that was loaded last. */
async function newestRange({ around }: FaultWorld): Promise<LogRange> {
  const [row] = await around.select<Record<'log' | 'range_from' | 'range_to', string>>(
    'SELECT log, range_from, range_to FROM sojourn.loaded_ranges ORDER BY range_to DESC LIMIT 1',
  );
  if (row === undefined) throw new Error('nothing was loaded');
  return { partition: 0, log: row.log, from: Number(row.range_from), to: Number(row.range_to) };
}

function aProbeRow(rangeFrom: number, { partition, log }: LogRange): object {
  return {
    partition,
    log,
    range_from: rangeFrom,
    project: 'probe',
    metric_type: 'page_views',
    granularity: 'hour',
    bucket: 0,
    dimension: '',
    dimension_value: '',
    value: '1',
    count: 1,
  };
}

async function countOf({ around }: FaultWorld, project: string): Promise<string | undefined> {
  const [row] = await around.select<{ count: string }>(
    `SELECT toString(sum(metrics.count)) AS count FROM sojourn.metrics WHERE project = '${project}'`,
  );
  return row?.count;
}
