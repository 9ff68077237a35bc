/** A repeated insert is one insert, whatever a profile of the server's says. */
import { expect } from 'chai';
import { type ClickHouseClient, createClient } from '@clickhouse/client';
import type { TableWriter } from '../../activities/load-batch.ts';
import { select } from '../../platform/clickhouse.ts';
import { createTableWriter } from '../../platform/table-writer.ts';
import { loadConfig, requireServers } from '../../platform/config.ts';
import { silentLog } from '../../platform/log.ts';
import { migrateAll } from '../../platform/migrate.ts';
import { CLICKHOUSE_ADMIN, CLICKHOUSE_WRITER } from '../../servers/index.ts';
import { environmentOf } from '../support/pipeline.ts';
import { useServers } from '../support/servers.ts';

const ROW = {
  partition: 77,
  log: 'life',
  range_from: 1,
  project: 'repeated',
  metric_type: 'page_views',
  granularity: 'hour',
  bucket: 1_767_225_600,
  dimension: '',
  dimension_value: '',
  value: '1',
  count: 1,
};

describe('an insert that is repeated', () => {
  const servers = useServers();
  let admin: ClickHouseClient;

  const serverConfig = () =>
    requireServers(loadConfig(environmentOf(servers())), [
      'NATS_URL',
      'TEMPORAL_ADDRESS',
      'CLICKHOUSE_URL',
    ]);

  before(async () => {
    await migrateAll(serverConfig(), silentLog);
    admin = clientOf(CLICKHOUSE_ADMIN, servers().secrets.clickhouse.adminPassword);
  });

  after(() => admin.close());

  function clientOf(username: string, password: string, compatibility?: string): ClickHouseClient {
    return createClient({
      url: servers().clickhouse.url,
      username,
      password,
      // As a profile would: what comes with a query says more.
      ...(compatibility !== undefined && { clickhouse_settings: { compatibility } }),
    });
  }

  async function sumAfter(
    project: string,
    compatibility: string,
    insert: (client: ClickHouseClient, writer: TableWriter) => Promise<void>,
  ): Promise<number> {
    const { writerPassword } = servers().secrets.clickhouse;
    const client = clientOf(CLICKHOUSE_WRITER, writerPassword, compatibility);
    try {
      for (let times = 0; times < 3; times += 1) await insert(client, createTableWriter(client));
    } finally {
      await client.close();
    }
    const rows = await select<{ views: string }>(
      admin,
      'SELECT sum(count) AS views FROM sojourn.metrics WHERE project = {project: String}',
      { project },
    );
    return Number(rows[0]?.views);
  }

  for (const compatibility of ['23.8', '24.8', '25.1', '26.1']) {
    it(`counts once where a profile asks for the behaviour of ${compatibility}`, async () => {
      const project = `repeated-${compatibility.replace('.', '-')}`;

      const views = await sumAfter(project, compatibility, (_client, writer) =>
        writer.insert('metrics_inbox', [{ ...ROW, project }], project),
      );

      expect(views).to.equal(1);
    });
  }

  it('would count more than once there, were not all said with the insert', async () => {
    const project = 'repeated-bare';

    const views = await sumAfter(project, '25.1', async (client) => {
      await client.insert({
        table: 'sojourn.metrics_inbox',
        values: [{ ...ROW, project }],
        format: 'JSONEachRow',
        clickhouse_settings: { insert_deduplication_token: project, insert_deduplicate: 1 },
      });
    });

    expect(views).to.equal(3);
  });

  for (const gone of ['DETACH TABLE', 'DETACH TABLE … PERMANENTLY', 'DROP TABLE']) {
    it(`waits for the view behind it, which migrate brings back after ${gone}`, async () => {
      const project = `repeated-after-${gone.toLowerCase().replace(/[^a-z]+/g, '-')}`;
      const [what = '', how = ''] = gone.split(' … ');
      await admin.command({ query: `${what} sojourn.metrics_intake ${how} SYNC` });
      const errors: unknown[] = [];

      const views = await sumAfter(project, '26.1', async (_client, writer) => {
        const insert = () => writer.insert('metrics_inbox', [{ ...ROW, project }], project);
        await insert().catch((error: unknown) => errors.push(error));
        await migrateAll(serverConfig(), silentLog);
        await insert();
      });

      expect(errors).to.have.length(1);
      expect(errors[0]).to.have.property('code', 'SJ_INTAKE_MISSING');
      expect(views).to.equal(1);
    });
  }

  it('is sent once where its rows went through the view, and once more where it let them go', async () => {
    const project = 'repeated-seldom';
    const sent: string[] = [];
    const range = {
      partition: 78,
      log: 'life',
      range_from: 5,
      range_to: 9,
      records: 1,
    };

    const views = await sumAfter(project, '26.1', async (client) => {
      const insert: ClickHouseClient['insert'] = (params) => {
        sent.push(params.table.replace('sojourn.', ''));
        return client.insert(params);
      };
      const writer = createTableWriter({ insert, query: client.query.bind(client) } as never);
      const { partition, log, range_from } = range;
      const rows = [{ ...ROW, partition, log, range_from, project }];
      // Under another name each time, as those are that come after their token is forgotten.
      await writer.insert('metrics_inbox', rows, `${project}-${sent.length}`);
      await writer.insert('loaded_ranges', [range], project);
    });

    const later = ['metrics_inbox', 'metrics_inbox', 'loaded_ranges'];
    expect(sent).to.deep.equal(['metrics_inbox', 'loaded_ranges', ...later, ...later]);
    expect(views).to.equal(1);
  });

  it('is known for a week on replicated tables too, and the last 10,000 of them', async () => {
    const rows = await select<{ name: string; create_table_query: string }>(
      admin,
      "SELECT name, create_table_query FROM system.tables WHERE database = 'sojourn' AND name IN ('metrics', 'sessions')",
    );

    expect(rows.map(({ name }) => name)).to.have.members(['metrics', 'sessions']);
    for (const { create_table_query: sql } of rows) {
      expect(sql).to.include('non_replicated_deduplication_window = 10000');
      expect(sql).to.include('replicated_deduplication_window = 10000');
      expect(sql).to.include('replicated_deduplication_window_seconds = 604800');
    }
  });
});
