/** Migration 005 on a table that has rows: a folder, or an installation, from before it. */
import { readFileSync } from 'node:fs';
import { type ClickHouseClient, createClient } from '@clickhouse/client';
import { expect } from 'chai';
import { select } from '../../platform/clickhouse.ts';
import { splitStatements } from '../../platform/migrate.ts';
import { CLICKHOUSE_ADMIN } from '../../servers/index.ts';
import { useServers } from '../support/servers.ts';

/** Statements of a migration, for tables of this test's own. */
function statementsOf(file: string): string[] {
  const sql = readFileSync(new URL(`../../migrations/${file}`, import.meta.url), 'utf8');
  return splitStatements(sql.replaceAll('sojourn.sessions', 'sojourn.moved'));
}

describe('the table of sessions, put in the order of time', () => {
  const servers = useServers();
  let admin: ClickHouseClient;

  before(async () => {
    admin = createClient({
      url: servers().clickhouse.url,
      username: CLICKHOUSE_ADMIN,
      password: servers().secrets.clickhouse.adminPassword,
    });
    await admin.command({ query: 'CREATE DATABASE IF NOT EXISTS sojourn' });
    for (const query of statementsOf('002-sessions.sql')) await admin.command({ query });
  });

  after(async () => {
    await admin.command({ query: 'DROP TABLE sojourn.moved SYNC' });
    await admin.close();
  });

  const fill = (from: number, version: number) =>
    admin.command({
      query: `INSERT INTO sojourn.moved (project, session_id, first_run_id, page_views, version)
        SELECT if(number % 2 = 0, 'shop', 'blog'), toString(number), toString(generateUUIDv7(number)), number, ${version}
        FROM numbers(${from}, 500)`,
    });

  const rows = () =>
    select<{ n: number; views: number; versions: number }>(
      admin,
      `SELECT toInt32(count()) AS n, toInt32(sum(page_views)) AS views, toInt32(sum(version)) AS versions
       FROM sojourn.moved FINAL`,
    );

  it('keeps each row once, however often it is done', async () => {
    await fill(0, 1);
    await fill(500, 2);
    const before = await rows();

    for (let times = 0; times < 2; times += 1) {
      for (const statement of statementsOf('005-sessions-by-time.sql')) {
        await admin.command({ query: statement });
      }
      expect(await rows()).to.deep.equal(before);
    }

    const tables = await select<{ name: string; sorting_key: string; comment: string }>(
      admin,
      `SELECT name, sorting_key, comment FROM system.tables WHERE database = 'sojourn' AND name LIKE 'moved%'`,
    );
    expect(tables.map(({ name }) => name)).to.deep.equal(['moved']);
    expect(tables[0]?.sorting_key).to.match(/^substring\(first_run_id, 1, 5\), project/);
    expect(tables[0]?.comment).to.contain('One row per session');
  });

  it('keeps what the columns say, and the indexes on times', async () => {
    const [found] = await select<{ commented: number; indexes: string[] }>(
      admin,
      `SELECT toInt32(countIf(comment != '')) AS commented,
         (SELECT groupArray(name) FROM system.data_skipping_indices WHERE table = 'moved') AS indexes
       FROM system.columns WHERE database = 'sojourn' AND table = 'moved'`,
    );

    expect(found?.commented).to.equal(26);
    expect(found?.indexes).to.have.members([
      'started_at',
      'last_event_at',
      'updated_at',
      'session_id',
    ]);
  });
});
