/**
 * On three real ClickHouse servers and Keeper, which it kills and starts again:
 *
 *   docker compose --file compose/clickhouse-cluster/docker-compose.yml up --detach
 *   npx mocha test/cluster/cluster.test.ts --exit
 *
 * Not part of `npm test`, which has no Docker. The tests go on from each other.
 */
import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type ClickHouseClient, ClickHouseError } from '@clickhouse/client';
import { expect } from 'chai';
import { loadBatch, type TableWriter } from '../../activities/load-batch.ts';
import { connectClickHouse, select } from '../../platform/clickhouse.ts';
import { clusterWarnings, readClusterState } from '../../platform/cluster-state.ts';
import { loadConfig, requireServers } from '../../platform/config.ts';
import { silentLog } from '../../platform/log.ts';
import { migrateClickHouse } from '../../platform/migrate.ts';
import { untilCaughtUp } from '../../platform/replica-lag.ts';
import { createTableWriter } from '../../platform/table-writer.ts';
import type { LogRange } from '../../shared/ranges.ts';
import { sumRollups } from '../../shared/rollup.ts';
import { aRollup, NOON_ISH } from '../support/builders.ts';

const SERVERS = ['clickhouse-1', 'clickhouse-2', 'clickhouse-3'] as const;
type Server = (typeof SERVERS)[number];
const URLS = ['http://127.0.0.1:18123', 'http://127.0.0.1:18124', 'http://127.0.0.1:18125'];
const COMPOSE = fileURLToPath(
  new URL('../../compose/clickhouse-cluster/docker-compose.yml', import.meta.url),
);

function docker(...args: readonly string[]): void {
  execFileSync('docker', ['compose', '--file', COMPOSE, ...args], { stdio: 'ignore' });
}

const configOf = (urls: readonly string[], cluster = 'sojourn') =>
  requireServers(
    loadConfig({
      CLICKHOUSE_URL: urls.join(','),
      CLICKHOUSE_CLUSTER: cluster,
      CLICKHOUSE_ADMIN_USER: 'sojourn_admin',
      CLICKHOUSE_ADMIN_PASSWORD: 'cluster-of-tests',
      CLICKHOUSE_WRITER_PASSWORD: 'writer-of-tests',
      CLICKHOUSE_BI_PASSWORD: 'bi-of-tests',
      CLICKHOUSE_MARTS_PASSWORD: 'marts-of-tests',
    }),
    ['CLICKHOUSE_URL'],
  );

const urlOf = (server: Server) => URLS[SERVERS.indexOf(server)] ?? '';
const inTurnFrom = (server: Server) => [
  urlOf(server),
  ...URLS.filter((url) => url !== urlOf(server)),
];

describe('a cluster of three ClickHouse servers', function () {
  this.timeout(10 * 60_000);
  const clients: ClickHouseClient[] = [];
  let records = 0;

  function connect(urls: readonly string[], role: 'admin' | 'writer' | 'bi'): ClickHouseClient {
    const client = connectClickHouse(configOf(urls), role);
    clients.push(client);
    return client;
  }

  const migrate = () => migrateClickHouse(configOf(URLS), silentLog);

  before('the servers answer', async () => {
    for (const url of URLS) {
      await until(async () => (await fetch(`${url}/ping`)).ok);
    }
  });

  after(() => Promise.all(clients.map((client) => client.close())));

  async function until(isSo: () => Promise<boolean>, withinMs = 120_000): Promise<void> {
    for (const end = Date.now() + withinMs; ;) {
      if (await isSo().catch(() => false)) return;
      if (Date.now() > end) throw new Error('not in time');
      await sleep(500);
    }
  }

  /** The next range: so many records of one page view each. */
  function nextRange(count: number): {
    range: LogRange;
    load: (tables: TableWriter) => Promise<unknown>;
  } {
    const range = { partition: 0, log: 'life', from: records + 1, to: records + count };
    records += count;
    const sums = sumRollups(
      Array.from({ length: count }, (_none, n) =>
        aRollup({
          identity: `run-${range.from + n}`,
          sessionId: `s-${range.from + n}`,
          rows: [['page_views', 'hour', NOON_ISH / 1_000, '', '', '1', 1]],
        }),
      ),
    );
    const load = (tables: TableWriter) =>
      loadBatch({ sumRange: () => Promise.resolve(sums) }, tables, range);
    return { range, load };
  }

  /** As a worker does: until it has worked. */
  async function loadUntilDone(tables: TableWriter, count: number): Promise<void> {
    const { load } = nextRange(count);
    await until(() => load(tables).then(() => true));
  }

  async function viewsOn(server: Server): Promise<number> {
    const reader = connect([urlOf(server)], 'bi');
    await untilCaughtUp(reader);
    const [row] = await select<{ views: string }>(
      reader,
      "SELECT toString(sum(count)) AS views FROM sojourn.metrics WHERE metric_type = 'page_views'",
    );
    return Number(row?.views);
  }

  async function expectAllEverywhere(): Promise<void> {
    for (const server of SERVERS) expect(await viewsOn(server), server).to.equal(records);
  }

  const writerFrom = (server: Server) => createTableWriter(connect(inTurnFrom(server), 'writer'));

  it('gets its tables and users on all servers, replicated, and takes the same again', async () => {
    await migrate();
    await migrate();

    for (const url of URLS) {
      const admin = connect([url], 'admin');
      const tables = await select<{ name: string; engine: string; replicas: number }>(
        admin,
        `SELECT t.name AS name, t.engine AS engine, toUInt32(r.active_replicas) AS replicas
         FROM system.tables AS t LEFT JOIN system.replicas AS r ON r.database = t.database AND r.table = t.name
         WHERE t.database = 'sojourn' AND endsWith(t.engine, 'MergeTree')`,
      );
      expect(tables.length).to.be.above(10);
      for (const { name, engine, replicas } of tables) {
        expect(engine, name).to.match(/^Replicated/);
        expect(replicas, name).to.equal(3);
      }
      expect((await connect([url], 'bi').ping({ select: true })).success, url).to.equal(true);
    }
    expect(clusterWarnings(await readClusterState(connect(URLS, 'bi'), 'sojourn'))).to.deep.equal(
      [],
    );
  });

  it('takes the right to every table from a writer of before, on all servers', async () => {
    const admin = connect(URLS, 'admin');
    await admin.command({ query: 'GRANT INSERT ON sojourn.* TO sojourn_writer' });
    await migrate();

    for (const server of SERVERS) {
      const writer = connect([urlOf(server)], 'writer');
      const refused = await writer
        .command({ query: 'INSERT INTO sojourn.metrics (count) VALUES (1)' })
        .catch((error: unknown) => error);
      expect(refused, server).to.have.property('code', '497');
      await loadUntilDone(writerFrom(server), 1);
    }
  });

  it('gives a BI user of before limits that it cannot lift, on all servers', async () => {
    const admin = connect(URLS, 'admin');
    await admin.command({ query: 'ALTER USER sojourn_bi SETTINGS readonly = 2' });
    await migrate();

    for (const server of SERVERS) {
      const reader = connect([urlOf(server)], 'bi');
      for (const [name, value] of [
        ['max_execution_time', 0],
        ['max_execution_time', 601],
        ['max_memory_usage', '0'],
        ['max_threads', 10_000],
      ] as const) {
        const refused = await reader
          .command({ query: 'SELECT 1', clickhouse_settings: { [name]: value } })
          .catch((error: unknown) => error);
        expect(refused, `${server} ${name}`).to.have.property('code', '452');
      }
      expect((await reader.ping({ select: true })).success, server).to.equal(true);
    }
  });

  it('is refused where no server knows the name', async () => {
    const error = await migrateClickHouse(configOf(URLS, 'other'), silentLog).catch(
      (thrown: unknown) => thrown,
    );
    expect(String(error)).to.contain('no cluster other');
  });

  it('has what is loaded on all servers', async () => {
    const tables = writerFrom('clickhouse-1');
    for (let n = 0; n < 5; n += 1) await loadUntilDone(tables, 10);

    await expectAllEverywhere();
  });

  it('takes a range once, whichever servers it is sent to', async () => {
    const { load } = nextRange(10);
    for (const server of SERVERS) await load(writerFrom(server));
    for (const server of SERVERS) await load(writerFrom(server));

    await expectAllEverywhere();
  });

  it('goes on while a server is killed and while it is away, and that one catches up', async () => {
    const tables = writerFrom('clickhouse-1');
    const loading = (async () => {
      for (let n = 0; n < 20; n += 1) await loadUntilDone(tables, 5);
    })();
    await sleep(300);
    docker('kill', 'clickhouse-1');
    await loading;
    expect(await viewsOn('clickhouse-2')).to.equal(records);
    docker('start', 'clickhouse-1');
    await until(async () => (await fetch(`${urlOf('clickhouse-1')}/ping`)).ok);

    await until(async () => (await viewsOn('clickhouse-1')) === records);
    await expectAllEverywhere();
  });

  it('acknowledges nothing that a quorum has not got, and takes it once when it has', async () => {
    const others = (['clickhouse-2', 'clickhouse-3'] as const).map((server) =>
      connect([urlOf(server)], 'admin'),
    );
    const each = async (what: 'STOP' | 'START') => {
      for (const admin of others) {
        // Of this server alone: `exec` is sent as it is.
        const { stream } = await admin.exec({ query: `SYSTEM ${what} FETCHES sojourn.metrics` });
        stream.resume();
      }
    };
    await each('STOP');
    const { load } = nextRange(10);
    const first = await load(writerFrom('clickhouse-1')).catch((error: unknown) => error);
    const second = await load(writerFrom('clickhouse-2')).catch((error: unknown) => error);
    expect(first).to.be.instanceOf(ClickHouseError);
    expect(second).to.be.instanceOf(ClickHouseError);
    await each('START');
    await until(() => load(writerFrom('clickhouse-3')).then(() => true));

    await expectAllEverywhere();
  });

  it('loads nothing with two servers away, says so, and loses nothing', async () => {
    docker('kill', 'clickhouse-2', 'clickhouse-3');
    const reader = connect([urlOf('clickhouse-1')], 'bi');
    await until(async () =>
      clusterWarnings(await readClusterState(reader, 'sojourn')).some((text) =>
        text.includes('nothing is loaded'),
      ),
    );
    const { load } = nextRange(10);
    const refused = await load(writerFrom('clickhouse-1')).catch((error: unknown) => error);
    expect(refused).to.be.instanceOf(Error);
    docker('start', 'clickhouse-2', 'clickhouse-3');
    await until(() => load(writerFrom('clickhouse-1')).then(() => true));

    await until(async () => (await viewsOn('clickhouse-3')) === records);
    await expectAllEverywhere();
  });

  it('gives a server that comes back with an empty disk all that it had', async () => {
    // Its old replica is forgotten, or the new one would not be let in under its name.
    docker('rm', '--force', '--stop', '--volumes', 'clickhouse-3');
    const admin = connect([urlOf('clickhouse-1')], 'admin');
    const tables = await select<{ name: string }>(
      admin,
      "SELECT table AS name FROM system.replicas WHERE database = 'sojourn'",
    );
    await sleep(15_000);
    for (const { name } of tables) {
      const { stream } = await admin.exec({
        query: `SYSTEM DROP REPLICA 'clickhouse-3' FROM TABLE sojourn.${name}`,
      });
      stream.resume();
    }
    docker('up', '--detach', 'clickhouse-3');
    await until(async () => (await fetch(`${urlOf('clickhouse-3')}/ping`)).ok);
    await migrate();

    await until(async () => (await viewsOn('clickhouse-3')) === records);
    await loadUntilDone(writerFrom('clickhouse-3'), 10);
    await expectAllEverywhere();
  });
});
