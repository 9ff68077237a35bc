import { expect } from 'chai';
import {
  removalStatements,
  rightsStatements,
  userStatements,
} from '../../platform/analyst-users.ts';
import { clusterStatement } from '../../platform/cluster-ddl.ts';
import { readMigrations, splitStatements } from '../../platform/migrate.ts';
import { SojournError } from '../../shared/errors.ts';

const onCluster = (statement: string) => clusterStatement(statement, 'eu-1');
const all = readMigrations().flatMap(({ name, sql }) =>
  splitStatements(sql).map((statement) => ({ name, statement })),
);
const isOfRows = (statement: string) =>
  /^(INSERT INTO|DELETE FROM)|^ALTER TABLE \S+ MATERIALIZE/.test(statement);

describe('the migrations on a cluster', () => {
  it('say of each definition that it is for all servers, and change nothing else but engines', () => {
    expect(all.length).to.be.above(100);
    for (const { name, statement } of all) {
      const made = onCluster(statement);
      if (isOfRows(statement)) {
        expect(made, name).to.equal(statement);
        continue;
      }
      expect(made.match(/ ON CLUSTER `eu-1`/g), statement).to.have.length(1);
      const withoutIt = made.replace(' ON CLUSTER `eu-1`', '');
      if (!/MergeTree/.test(statement)) expect(withoutIt, name).to.equal(statement);
    }
  });

  it('replicate each table that keeps rows, each on a path of its own, and keep what the engine was told', () => {
    const tables = all.filter(
      ({ statement }) => statement.startsWith('CREATE TABLE') && statement.includes('MergeTree'),
    );
    const paths = tables.map(({ statement }) => {
      const [, engine, args = ''] =
        /ENGINE = (\w*MergeTree)(?:\((.*)\))?$/m.exec(statement.replace(/ COMMENT '.*$/gm, '')) ??
        [];
      const [, made, path, rest = ''] =
        /ENGINE = (\w+)\('([^']+)', '\{replica\}'(?:, (.*))?\)$/m.exec(onCluster(statement)) ?? [];
      expect(made, statement).to.equal(`Replicated${engine}`);
      expect(rest, statement).to.equal(args);
      return path;
    });

    expect(tables.length).to.be.above(12);
    expect(new Set(paths).size).to.equal(tables.length);
    expect(paths).to.include('/clickhouse/tables/{shard}/sojourn/metrics');
    for (const path of paths)
      expect(path).to.match(/^\/clickhouse\/tables\/\{shard\}\/sojourn\/\w+$/);
  });

  it('leave tables that keep nothing as they are', () => {
    const inboxes = all.filter(({ statement }) => statement.includes('ENGINE = Null'));

    expect(inboxes).to.have.length(5);
    for (const { statement } of inboxes) expect(onCluster(statement)).not.to.contain('Replicated');
  });

  it('know as many inserts again as one server does, for a week, and none where it knows none', () => {
    for (const { statement } of all) {
      if (!statement.startsWith('CREATE TABLE') || !statement.includes('MergeTree')) continue;
      const windowOf = (text: string, name: string) =>
        new RegExp(`(?<!\\w)${name} = (\\d+)`).exec(text)?.[1];
      const own = windowOf(statement, 'non_replicated_deduplication_window');
      const isOfRanges = statement.startsWith('CREATE TABLE sojourn.loaded_ranges');
      const before = isOfRanges ? '10000' : own;
      const made = onCluster(statement);

      expect(windowOf(made, 'non_replicated_deduplication_window')).to.equal(own);
      expect(windowOf(made, 'replicated_deduplication_window'), statement).to.equal(before ?? '0');
      expect(windowOf(made, 'replicated_deduplication_window_seconds')).to.equal(
        before === undefined ? undefined : '604800',
      );
      expect(made.match(/\bSETTINGS /g), statement).to.have.length(1);
    }
  });

  it('become what is expected of them, one of each kind', () => {
    const shown = [
      "CREATE TABLE IF NOT EXISTS sojourn.t\n(a String)\nENGINE = ReplacingMergeTree(v)\nORDER BY a\nCOMMENT 'of a'",
      'CREATE TABLE sojourn.b AS sojourn.a\nENGINE = MergeTree ORDER BY x',
      'CREATE MATERIALIZED VIEW sojourn.v TO sojourn.t\n(a String)\nAS SELECT 1',
      'CREATE OR REPLACE VIEW sojourn.v\n(a String) AS SELECT 1',
      'EXCHANGE TABLES sojourn.a AND sojourn.b',
      'DROP TABLE IF EXISTS sojourn.b SYNC',
      'ATTACH TABLE IF NOT EXISTS sojourn.v',
      'CREATE DATABASE IF NOT EXISTS sojourn',
      'ALTER TABLE sojourn.t MODIFY SETTING a = 1',
      "CREATE USER OR REPLACE `w` IDENTIFIED WITH sha256_hash BY 'x'",
      'GRANT INSERT ON sojourn.sessions, SHOW TABLES ON sojourn.metrics_intake TO `w`',
      'REVOKE INSERT ON sojourn.* FROM `w`',
      'SYSTEM SYNC REPLICA sojourn.t',
    ].map(onCluster);

    expect(shown).to.deep.equal([
      "CREATE TABLE IF NOT EXISTS sojourn.t ON CLUSTER `eu-1`\n(a String)\nENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/sojourn/t', '{replica}', v)\nORDER BY a\nSETTINGS replicated_deduplication_window = 0\nCOMMENT 'of a'",
      "CREATE TABLE sojourn.b ON CLUSTER `eu-1` AS sojourn.a\nENGINE = ReplicatedMergeTree('/clickhouse/tables/{shard}/sojourn/b', '{replica}') ORDER BY x\nSETTINGS replicated_deduplication_window = 0",
      'CREATE MATERIALIZED VIEW sojourn.v ON CLUSTER `eu-1` TO sojourn.t\n(a String)\nAS SELECT 1',
      'CREATE OR REPLACE VIEW sojourn.v ON CLUSTER `eu-1`\n(a String) AS SELECT 1',
      'EXCHANGE TABLES sojourn.a AND sojourn.b ON CLUSTER `eu-1`',
      'DROP TABLE IF EXISTS sojourn.b ON CLUSTER `eu-1` SYNC',
      'ATTACH TABLE IF NOT EXISTS sojourn.v ON CLUSTER `eu-1`',
      'CREATE DATABASE IF NOT EXISTS sojourn ON CLUSTER `eu-1`',
      'ALTER TABLE sojourn.t ON CLUSTER `eu-1` MODIFY SETTING a = 1',
      "CREATE USER OR REPLACE `w` ON CLUSTER `eu-1` IDENTIFIED WITH sha256_hash BY 'x'",
      'GRANT ON CLUSTER `eu-1` INSERT ON sojourn.sessions, SHOW TABLES ON sojourn.metrics_intake TO `w`',
      'REVOKE ON CLUSTER `eu-1` INSERT ON sojourn.* FROM `w`',
      'SYSTEM SYNC REPLICA ON CLUSTER `eu-1` sojourn.t',
    ]);
  });

  it('make analysts on all servers', () => {
    const ada = { name: 'ada', project: 'shop', passwordHash: 'f'.repeat(64) };
    for (const statement of [
      ...userStatements(ada),
      ...rightsStatements(ada),
      ...removalStatements('ada'),
    ]) {
      expect(onCluster(statement)).to.match(/ ON CLUSTER `eu-1`( |$)/);
    }
  });

  it('leave to the replicas what is of rows', () => {
    for (const statement of [
      'ALTER TABLE sojourn.sessions DELETE WHERE project = {project:String}',
      "ALTER TABLE sojourn.forgetting DROP PARTITION 'x'",
      'DELETE FROM sojourn.zones WHERE version = 1',
      'INSERT INTO sojourn.projects SELECT * FROM sojourn.projects FINAL',
    ]) {
      expect(onCluster(statement)).to.equal(statement);
    }
  });

  it('leave an engine that an operator has replicated', () => {
    const own =
      "CREATE TABLE sojourn.t (a String) ENGINE = ReplicatedMergeTree('/p', 'r') ORDER BY a";

    expect(onCluster(own)).to.equal(own.replace('sojourn.t', 'sojourn.t ON CLUSTER `eu-1`'));
  });

  it('refuse what nobody knows how a cluster runs', () => {
    expect(() => onCluster('RENAME TABLE sojourn.a TO sojourn.b'))
      .to.throw(SojournError)
      .with.property('code', 'SJ_MIGRATION');
  });
});
