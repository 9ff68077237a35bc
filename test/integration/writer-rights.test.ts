/** What the writer may insert into on a real ClickHouse, and that it is refused everywhere else. */
import { expect } from 'chai';
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { connectClickHouse, INTAKES, select } from '../../platform/clickhouse.ts';
import { loadConfig, requireServers } from '../../platform/config.ts';
import { silentLog } from '../../platform/log.ts';
import { migrateClickHouse } from '../../platform/migrate.ts';
import { mayWriteProjectRows } from '../../platform/project-rows.ts';
import { createTableWriter } from '../../platform/table-writer.ts';
import { WRITER_TABLES } from '../../platform/writer-rights.ts';
import { CLICKHOUSE_WRITER } from '../../servers/index.ts';
import { toError } from '../../shared/errors.ts';
import { environmentOf } from '../support/pipeline.ts';
import { useServers } from '../support/servers.ts';

const REFUSED = /Not enough privileges/;
const PROJECT = 'writer-rights';
const BEHIND_INBOXES = Array.from(INTAKES.keys(), (table) => table.replace(/_inbox$/, ''));

describe('the writer', function () {
  this.timeout(240_000);
  const servers = useServers();
  let admin: ClickHouseClient;
  let writer: ClickHouseClient;

  before(async () => {
    const config = requireServers(loadConfig(environmentOf(servers())), ['CLICKHOUSE_URL']);
    await migrateClickHouse(config, silentLog);
    admin = connectClickHouse(config, 'admin');
    writer = createClient({
      url: servers().clickhouse.url,
      username: CLICKHOUSE_WRITER,
      password: servers().secrets.clickhouse.writerPassword,
      log: { level: ClickHouseLogLevel.OFF },
    });
  });

  after(async () => {
    // Others of these servers compare what is in the tables.
    for (const table of BEHIND_INBOXES) {
      await admin.command({
        query: `ALTER TABLE sojourn.${table} DELETE WHERE project = '${PROJECT}' SETTINGS mutations_sync = 2`,
      });
    }
    await Promise.all([admin.close(), writer.close()]);
  });

  const faultOf = (query: string): Promise<string> =>
    writer.command({ query }).then(
      () => 'it worked',
      (error: unknown) => toError(error).message,
    );

  it('inserts into what is named, and is refused in every other table and view', async () => {
    const named: readonly string[] = WRITER_TABLES;
    const all = await select<{ name: string }>(
      admin,
      "SELECT name FROM system.tables WHERE database = 'sojourn'",
    );

    expect(all.map(({ name }) => name)).to.include.members([...named, 'metrics', 'import_rows']);
    for (const { name } of all) {
      // No row comes with it: what others of these servers count stays as it is.
      const fault = await faultOf(`INSERT INTO sojourn.${name} FORMAT JSONEachRow\n`);
      if (named.includes(name)) expect(fault, name).to.equal('it worked');
      else expect(fault, name).to.match(REFUSED);
    }
  });

  it('fills the tables behind its inboxes, into which it may not insert', async () => {
    const project = PROJECT;
    const place = { partition: 79, log: project, range_from: 1 };
    const tables = createTableWriter(writer);
    const hour = { metric_type: 'page_views', granularity: 'hour', bucket: 1_767_225_600 };
    const sum = { dimension: '', dimension_value: '', value: '1', count: 1 };
    await tables.insert('metrics_inbox', [{ ...place, project, ...hour, ...sum }], project);
    const full = { day: '2026-01-01', dimension: 'campaign', values_max: 1, kept_values: ['a'] };
    await tables.insert('full_dimensions_inbox', [{ ...place, project, ...full }], project);
    const session = { session_id: 's', first_run_id: '0', started_at: '2026-01-01 00:00:00.000' };
    await tables.insert('sessions_inbox', [{ ...place, project, ...session }], project);
    const chunk = { import: project, life: 1, chunk: 1, project };
    const fate = { session_id: 's', first_run_id: '0', fate: 'load' };
    await tables.insert('import_sessions_inbox', [{ ...place, ...chunk, ...fate }], project);
    await tables.insert('import_rows_inbox', [{ ...place, ...chunk, ...hour, ...sum }], project);

    for (const name of BEHIND_INBOXES) {
      const [row] = await select<{ rows: number }>(
        admin,
        `SELECT toUInt32(count()) AS rows FROM sojourn.${name} WHERE project = {project: String}`,
        { project },
      );
      expect(row?.rows, name).to.equal(1);
      expect(await faultOf(`INSERT INTO sojourn.${name}_intake (project) VALUES ('x')`)).to.match(
        REFUSED,
      );
    }
  });

  it('sees the names of these and of the views behind them, and reads and changes nothing', async () => {
    const listed = await select<{ name: string }>(writer, 'SHOW TABLES FROM sojourn');
    const views = Array.from(INTAKES.values(), (view) => view.replace('sojourn.', ''));

    expect(listed.map(({ name }) => name)).to.have.members([...WRITER_TABLES, ...views]);
    for (const table of WRITER_TABLES) {
      for (const query of [
        `SELECT count() FROM sojourn.${table}`,
        `ALTER TABLE sojourn.${table} MODIFY COMMENT 'changed'`,
      ]) {
        expect(await faultOf(query), query).to.match(REFUSED);
      }
    }
  });

  it('knows that it may write the rows of projects', async () => {
    expect(await mayWriteProjectRows(writer)).to.equal(true);
  });
});
