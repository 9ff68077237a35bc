import { expect } from 'chai';
import { loadConfig, requireServers } from '../../platform/config.ts';
import { silentLog } from '../../platform/log.ts';
import { whereMissing } from '../../platform/migrate-cluster.ts';
import { migrateClickHouse, readMigrations, splitStatements } from '../../platform/migrate.ts';
import { writerGrants } from '../../platform/writer-rights.ts';
import { toError } from '../../shared/errors.ts';
import { type Asked, askedClickHouse } from '../support/asked-clickhouse.ts';

const USERS = {
  CLICKHOUSE_WRITER_PASSWORD: 'writer-password',
  CLICKHOUSE_BI_PASSWORD: 'bi-password',
  CLICKHOUSE_MARTS_PASSWORD: 'marts-password',
};

/** A cluster of three, empty. */
function answer(query: string): readonly object[] | undefined {
  if (query.startsWith('EXISTS')) return [{ result: 1 }];
  if (query.includes('AS shards')) return [{ name: 'eu', shards: 1, replicas: 3 }];
  if (query.includes('system.macros')) return [{ macro: 'replica' }, { macro: 'shard' }];
  if (query.includes('AS servers')) return [{ servers: 3 }];
  if (query.includes('AS have')) return [{ have: 3 }];
  return undefined;
}

/** What a server is told by a first `migrate`. */
async function told(
  env: Record<string, string>,
  rowsOf: typeof answer = answer,
): Promise<{
  asked: readonly Asked[];
  steps: readonly string[];
  error: Error | undefined;
}> {
  const steps: string[] = [];
  const server = await askedClickHouse(rowsOf);
  try {
    const config = loadConfig({ CLICKHOUSE_URL: server.url, ...USERS, ...env });
    const migrated = migrateClickHouse(
      requireServers(config, ['CLICKHOUSE_URL']),
      silentLog,
      (what) => steps.push(what),
    );
    const error = await migrated.then(() => undefined, toError);
    return { asked: server.asked, steps, error };
  } finally {
    await server.close();
  }
}

const queries = (asked: readonly Asked[]) => asked.map(({ query }) => query);
const WORDS = /^(CREATE|ALTER|DROP|EXCHANGE|ATTACH|GRANT|REVOKE)\b/;
const ROWS = /^ALTER TABLE \S+ MATERIALIZE/;

describe('migrate', () => {
  it('says what it does, file by file', async () => {
    const { steps } = await told({});

    const names = readMigrations().map(({ name }) => name);
    expect(steps).to.deep.equal([
      ...names.map((name, n) => `${name} (${n + 1} of ${names.length})`),
      'time zones',
      'views and users',
    ]);
  });

  it('takes no rights from a user who is there', async () => {
    const said = queries((await told({})).asked);

    for (const user of ['sojourn_writer', 'sojourn_bi', 'sojourn_marts']) {
      const own = said.filter((query) => /USER|GRANT|REVOKE/.test(query) && query.includes(user));
      const [made, changed, granted, ...rest] = own;
      expect(made).to.match(/^CREATE USER IF NOT EXISTS .* IDENTIFIED WITH sha256_hash BY/);
      // Its settings and profiles may be an operator's.
      expect(changed).to.match(/^ALTER USER \S+ IDENTIFIED WITH sha256_hash BY '\w+'$/);
      expect(granted).to.match(/^GRANT [^;]* TO \S+$/);
      expect(rest.length).to.equal(user === 'sojourn_writer' ? 0 : 1);
      for (const query of rest) expect(query).to.match(/^REVOKE SELECT ON [^;]* FROM \S+$/);
    }
  });

  it('takes from a writer of before the right to every table, and grants by name after that', async () => {
    const wide: typeof answer = (query) =>
      query.includes('system.grants') ? [{ has: 1 }] : answer(query);
    for (const [cluster, where] of [
      [{}, ''],
      [{ CLICKHOUSE_CLUSTER: 'eu' }, ' ON CLUSTER `eu`'],
    ] as const) {
      const { asked, error } = await told(cluster, wide);
      const rights = queries(asked).filter((query) =>
        /^(GRANT|REVOKE)\b.*`sojourn_writer`/.test(query),
      );

      expect(error).to.equal(undefined);
      expect(rights).to.deep.equal([
        `REVOKE${where} INSERT ON sojourn.* FROM \`sojourn_writer\``,
        `GRANT${where} ${writerGrants().join(', ')} TO \`sojourn_writer\``,
      ]);
    }
    expect(writerGrants().join()).not.to.contain('*');
    // The admin's own it leaves.
    const both = await told({ CLICKHOUSE_ADMIN_USER: 'sojourn_writer' }, wide);
    expect(queries(both.asked).filter((query) => query.startsWith('REVOKE INSERT'))).to.be.empty;
  });

  it('gives a BI user of before the limits of a new one, and leaves those that an operator gave', async () => {
    const limits =
      'readonly = 2, max_execution_time = 120 MIN 1 MAX 600, max_memory_usage = 1000 MIN 1 MAX 1000, max_threads MAX 4';
    const withSettings =
      (rows: readonly object[]): typeof answer =>
      (query) => {
        if (query.includes('system.server_settings')) return [{ memory: 2_000, threads: 4 }];
        return query.includes('system.settings_profile_elements') ? rows : answer(query);
      };
    const readonly = { name: 'readonly', value: '2', profile: null };
    const theirs = { name: 'max_memory_usage', value: '0', profile: null };
    for (const [rows, changes] of [
      [[readonly], [`ALTER USER \`sojourn_bi\` SETTINGS ${limits}`]],
      [[readonly, theirs], []],
    ] as const) {
      const said = queries((await told({}, withSettings(rows))).asked);

      expect(said.filter((query) => /^CREATE USER .*`sojourn_bi`/.test(query))[0]).to.match(
        new RegExp(` SETTINGS ${limits}$`),
      );
      expect(said.filter((query) => /^ALTER USER .* SETTINGS/.test(query))).to.deep.equal(changes);
    }
  });

  it('without CLICKHOUSE_CLUSTER says what the files say, and no word of a cluster', async () => {
    const { asked, error } = await told({});
    const expected = readMigrations()
      .flatMap(({ sql }) => splitStatements(sql))
      .map((statement) =>
        statement.replace(/^CREATE (TABLE|VIEW|MATERIALIZED VIEW) /, 'CREATE $1 IF NOT EXISTS '),
      );
    const said = queries(asked);

    expect(error).to.equal(undefined);
    expect(said.filter((query) => expected.includes(query))).to.deep.equal(expected);
    for (const { query, settings } of asked) {
      expect(query).not.to.match(/ON CLUSTER|Replicated[A-Z]|clusterAllReplicas|system\.clusters/);
      expect(Object.keys(settings).join(' ')).not.to.match(
        /quorum|sequential|distributed_ddl|on_cluster|max_insert_threads/,
      );
    }
  });

  it('with it says the same, each definition for all servers', async () => {
    const plain = queries((await told({})).asked).filter((query) => WORDS.test(query));
    const { asked, error } = await told({ CLICKHOUSE_CLUSTER: 'eu' });
    const defined = asked.filter(({ query }) => WORDS.test(query));
    const ofBi = defined.filter(({ query }) =>
      query.includes('SELECT ON system.clusters, SELECT ON system.replicas TO `sojourn_bi`'),
    );

    expect(error).to.equal(undefined);
    expect(ofBi).to.have.length(1);
    expect(defined).to.have.length(plain.length);
    for (const { query, settings } of defined) {
      if (ROWS.test(query)) continue;
      expect(query).to.match(/ ON CLUSTER `eu`(\s|$)/);
      expect(settings).to.include({ wait_end_of_query: '1', distributed_ddl_output_mode: 'throw' });
    }
    for (const { settings } of asked) {
      expect(settings).to.include({
        insert_quorum: 'auto',
        insert_quorum_parallel: '0',
        select_sequential_consistency: '1',
        async_insert: '0',
      });
    }
  });

  it('makes nothing where the cluster is none, and nothing where tables are not replicated', async () => {
    const unknown = await told({ CLICKHOUSE_CLUSTER: 'us' });
    const plain = await told({ CLICKHOUSE_CLUSTER: 'eu' }, (query) =>
      query.includes("endsWith(engine, 'MergeTree')") ? [{ name: 'metrics' }] : answer(query),
    );
    const noMacro = await told({ CLICKHOUSE_CLUSTER: 'eu' }, (query) =>
      query.includes('system.macros') ? [{ macro: 'shard' }] : answer(query),
    );

    expect(unknown.error?.message).to.contain('no cluster us');
    expect(plain.error?.message).to.contain('not replicated (metrics)');
    expect(noMacro.error?.message).to.contain('no macro replica');
    for (const { asked, error } of [unknown, plain, noMacro]) {
      expect(error).to.have.property('code', 'SJ_MIGRATION');
      expect(queries(asked).filter((query) => !query.startsWith('SELECT'))).to.deep.equal([]);
    }
  });

  it('makes what a server lacks on all, where it is missing', async () => {
    const definition =
      "CREATE TABLE sojourn.metrics (`a` String) ENGINE = ReplicatedMergeTree('/p', '{replica}') ORDER BY a";
    const { asked, error } = await told({ CLICKHOUSE_CLUSTER: 'eu' }, (query) =>
      query.includes('create_table_query') ? [{ name: 'metrics', definition }] : answer(query),
    );

    expect(error).to.equal(undefined);
    expect(queries(asked)).to.include(
      definition.replace(
        'CREATE TABLE sojourn.metrics',
        'CREATE TABLE IF NOT EXISTS sojourn.metrics ON CLUSTER `eu`',
      ),
    );
    expect(whereMissing('CREATE VIEW a AS SELECT 1')).to.equal(
      'CREATE VIEW IF NOT EXISTS a AS SELECT 1',
    );
  });
});
