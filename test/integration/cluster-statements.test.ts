/**
 * What a cluster is told, before ClickHouse's own parser. The embedded server has no Keeper, so it runs none of it: that is
 * done by the workflow `ClickHouse cluster` in .github/, on three servers.
 */
import { expect } from 'chai';
import { type ClickHouseClient, createClient } from '@clickhouse/client';
import {
  removalStatements,
  rightsStatements,
  userStatements,
} from '../../platform/analyst-users.ts';
import { connectClickHouse, select } from '../../platform/clickhouse.ts';
import { clusterStatement } from '../../platform/cluster-ddl.ts';
import { clusterSettings } from '../../platform/cluster-settings.ts';
import { clusterWarningsOf } from '../../platform/cluster-state.ts';
import { loadConfig, requireServers } from '../../platform/config.ts';
import { silentLog } from '../../platform/log.ts';
import { migrateClickHouse, readMigrations, splitStatements } from '../../platform/migrate.ts';
import { untilCaughtUp } from '../../platform/replica-lag.ts';
import { createTableWriter } from '../../platform/table-writer.ts';
import { toError } from '../../shared/errors.ts';
import { CLICKHOUSE_ADMIN } from '../../servers/index.ts';
import { askedClickHouse } from '../support/asked-clickhouse.ts';
import { environmentOf } from '../support/pipeline.ts';
import { useServers } from '../support/servers.ts';

const CLUSTER = 'eu-1';
const ADA = { name: 'ada', project: 'shop', passwordHash: 'f'.repeat(64) };

/** Of an empty cluster of three. */
function answer(query: string): readonly object[] | undefined {
  if (query.startsWith('EXISTS')) return [{ result: 1 }];
  if (query.includes('AS shards')) return [{ name: CLUSTER, shards: 1, replicas: 3 }];
  if (query.includes('system.macros')) return [{ macro: 'replica' }, { macro: 'shard' }];
  if (query.includes('AS servers')) return [{ servers: 3 }];
  if (query.includes('AS have')) return [{ have: 3 }];
  // So that all is said that may have to be.
  if (query.includes('system.server_settings')) return [{ memory: 8e9, threads: 8 }];
  if (query.includes('system.grants')) return [{ has: 1 }];
  if (query.includes('system.settings_profile_elements')) {
    return [{ name: 'readonly', value: '2', profile: null }];
  }
  return undefined;
}

/** All that a first `migrate` says, and what `project analyst` says besides. */
async function statements(): Promise<readonly string[]> {
  const server = await askedClickHouse(answer);
  try {
    const config = loadConfig({
      CLICKHOUSE_URL: server.url,
      CLICKHOUSE_CLUSTER: CLUSTER,
      CLICKHOUSE_WRITER_PASSWORD: 'writer-password',
      CLICKHOUSE_BI_PASSWORD: 'bi-password',
      CLICKHOUSE_MARTS_PASSWORD: 'marts-password',
    });
    await migrateClickHouse(requireServers(config, ['CLICKHOUSE_URL']), silentLog);
    const others = [
      ...userStatements(ADA, { memoryBytes: 8e9, threads: 8 }),
      ...rightsStatements(ADA),
      ...removalStatements('ada'),
      'ATTACH TABLE IF NOT EXISTS sojourn.metrics_intake',
      'SYSTEM SYNC REPLICA sojourn.forgetting',
    ].map((statement) => clusterStatement(statement, CLUSTER));
    const asked = server.asked.map(({ query }) => query);
    // What comes with rows is as it is on one server.
    return [...asked.filter((query) => !/^INSERT .* FORMAT \w+$/s.test(query)), ...others];
  } finally {
    await server.close();
  }
}

describe('what a ClickHouse cluster is told', function () {
  // A round trip for each statement of each migration.
  this.timeout(240_000);
  const servers = useServers();
  let admin: ClickHouseClient;

  before(async () => {
    await migrateClickHouse(plainConfig(), silentLog);
    admin = createClient({
      url: servers().clickhouse.url,
      username: CLICKHOUSE_ADMIN,
      password: servers().secrets.clickhouse.adminPassword,
      use_multipart_params_auto: true,
    });
  });

  after(() => admin.close());

  it('is understood by ClickHouse, each statement of each migration', async () => {
    const all = await statements();
    const ofFiles = readMigrations().flatMap(({ sql }) => splitStatements(sql));

    expect(all.length).to.be.above(ofFiles.length);
    for (const part of ['REVOKE ON CLUSTER `eu-1` INSERT', 'max_threads MAX 8', 'MIN 1 MAX 4000']) {
      expect(
        all.some((statement) => statement.includes(part)),
        part,
      ).to.equal(true);
    }
    for (const statement of all) {
      const [row] = await select<{ text: string }>(
        admin,
        'SELECT formatQuerySingleLine({statement: String}) AS text',
        { statement },
      ).catch((error: unknown) => {
        throw new Error(`not understood: ${statement}`, { cause: error });
      });
      const isOfAll = statement.includes('ON CLUSTER');
      expect(/ ON CLUSTER `?eu-1`? ?/.test(row?.text ?? ''), statement).to.equal(isOfAll);
    }
  });

  it('is settings that ClickHouse has, with values that it takes', async () => {
    const settings = { ...clusterSettings('admin'), ...clusterSettings('writer') };
    const rows = await select<{ name: string }>(
      admin,
      'SELECT name FROM system.settings WHERE name IN {names: Array(String)}',
      { names: Object.keys(settings) },
    );

    expect(rows.map(({ name }) => name)).to.have.members(Object.keys(settings));
    for (const role of ['admin', 'writer', 'bi'] as const) {
      expect(await select(admin, 'SELECT 1 AS one', {}, clusterSettings(role))).to.deep.equal([
        { one: 1 },
      ]);
    }
  });

  it('is refused, and warned of, where the server is no cluster, and nothing is changed', async () => {
    const config = clusterConfig();
    const before = await tables();
    const error = await migrateClickHouse(config, silentLog).catch(toError);
    const [asAdmin, reader] = [connectClickHouse(config, 'admin'), connectClickHouse(config, 'bi')];
    try {
      expect(error).to.have.property('code', 'SJ_MIGRATION');
      expect(toError(error).message).to.contain(`no cluster ${CLUSTER}`);
      expect(await tables()).to.deep.equal(before);
      expect(await clusterWarningsOf(asAdmin)).to.deep.equal([toError(error).message]);
      // Whom no `migrate` on a cluster has given the right is told so.
      const [unseen] = await clusterWarningsOf(reader);
      // Both tables are asked at once, and both are refused: what is told is the refusal that came first.
      expect(unseen, unseen)
        .to.match(/Not enough privileges.* on system\.(clusters|replicas)/is)
        .and.contain('npx sojourn migrate');
      await untilCaughtUp(asAdmin);
    } finally {
      await asAdmin.close();
      await reader.close();
    }
  });

  it('is taken by tables, and by a view between them', async () => {
    const writer = connectClickHouse(clusterConfig(), 'writer');
    const reader = connectClickHouse(clusterConfig(), 'bi');
    const row = {
      ...{ partition: 78, log: 'cluster', range_from: 1, project: 'on-cluster' },
      ...{ metric_type: 'page_views', granularity: 'hour', bucket: 1_767_225_600 },
      ...{ dimension: '', dimension_value: '', value: '1', count: 1 },
    };
    try {
      for (let times = 0; times < 3; times += 1) {
        await createTableWriter(writer).insert('metrics_inbox', [row], 'cluster-token');
      }
      const rows = await select<{ views: number }>(
        reader,
        "SELECT toUInt32(sum(count)) AS views FROM sojourn.metrics WHERE project = 'on-cluster'",
      );
      expect(rows).to.deep.equal([{ views: 1 }]);
    } finally {
      await writer.close();
      await reader.close();
    }
  });

  const plainConfig = () =>
    requireServers(loadConfig(environmentOf(servers())), ['CLICKHOUSE_URL']);
  const clusterConfig = () => ({ ...plainConfig(), CLICKHOUSE_CLUSTER: CLUSTER });
  const tables = () =>
    select(admin, "SELECT name, uuid FROM system.tables WHERE database = 'sojourn' ORDER BY name");
});
