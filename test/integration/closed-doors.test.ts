/** What is meant to be private stays so: connections, folders, limits. */
import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { connectClickHouse, select } from '../../platform/clickhouse.ts';
import { loadConfig, requireServers } from '../../platform/config.ts';
import { silentLog } from '../../platform/log.ts';
import { connectNats } from '../../platform/nats.ts';
import { readerSettings, serverSize } from '../../platform/reader-limits.ts';
import { lockDataDir } from '../../servers/data-dir.ts';
import { CLICKHOUSE_BI, CLICKHOUSE_WRITER } from '../../servers/index.ts';
import { toError } from '../../shared/errors.ts';
import { environmentOf } from '../support/pipeline.ts';
import { temporaryFolder, useServers } from '../support/servers.ts';

const faultOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'it worked',
    (error: unknown) => toError(error).message,
  );

describe('what is meant to be private', function () {
  this.timeout(240_000);
  const servers = useServers();

  function clientOf(who: 'BI user' | 'writer'): ClickHouseClient {
    const { biPassword, writerPassword } = servers().secrets.clickhouse;
    return createClient({
      url: servers().clickhouse.url,
      username: who === 'writer' ? CLICKHOUSE_WRITER : CLICKHOUSE_BI,
      password: who === 'writer' ? writerPassword : biPassword,
      log: { level: ClickHouseLogLevel.OFF },
    });
  }

  it('does not go to a NATS server in the clear where the address says TLS', async () => {
    const { host } = new URL(servers().nats.url);
    const config = loadConfig({
      NATS_URL: `tls://${host}`,
      NATS_USER: 'somebody',
      NATS_PASSWORD: 'hidden',
    });

    const fault = await faultOf(
      connectNats(requireServers(config, ['NATS_URL']), 'test', silentLog),
    );

    expect(fault).to.contain('tls').and.not.contain('hidden');
  });

  it('lies in a folder that others cannot read, also where it was there before', async () => {
    const folder = join(temporaryFolder(), 'data');
    mkdirSync(folder, { mode: 0o755 });
    chmodSync(folder, 0o755);

    const unlock = await lockDataDir(folder);
    unlock();

    expect(statSync(folder).mode & 0o777).to.equal(0o700);
  });

  it("does not lie in everybody's folder, whose mode is left alone", async () => {
    const folder = join(temporaryFolder(), 'shared');
    mkdirSync(folder);
    chmodSync(folder, 0o1777);

    expect(await faultOf(lockDataDir(folder))).to.contain('--data-dir');
    expect(statSync(folder).mode & 0o7777).to.equal(0o1777);
  });

  for (const [who, query] of [
    ['BI user', 'SELECT 1'],
    ['writer', "INSERT INTO sojourn.metrics_inbox (project) VALUES ('x')"],
  ] as const) {
    it(`is bounded for the ${who}, by limits that cannot be lifted`, async () => {
      const client = clientOf(who);
      try {
        for (const settings of [
          { max_memory_usage: '0' },
          { max_memory_usage: '100000000000' },
          { max_threads: 64 },
          ...(who === 'writer' ? [] : [{ max_execution_time: 0 }, { max_execution_time: 3_600 }]),
        ]) {
          const fault = await faultOf(client.command({ query, clickhouse_settings: settings }));
          expect(fault, JSON.stringify(settings)).to.match(/Setting .* shouldn't be/);
        }
      } finally {
        await client.close();
      }
    });
  }

  it('is bounded for the BI user as it would be on a server whose users are made by SQL', async () => {
    const config = requireServers(loadConfig(environmentOf(servers())), ['CLICKHOUSE_URL']);
    const [admin, reader] = [connectClickHouse(config, 'admin'), clientOf('BI user')];
    try {
      const limits = await select<{ name: string; value: string; min: string; max: string }>(
        reader,
        `SELECT name, value, min, max FROM system.settings
         WHERE name IN ('max_execution_time', 'max_memory_usage', 'max_threads') ORDER BY name`,
      );
      const said = limits.map(({ name, value, min, max }) =>
        name === 'max_threads' ? `${name} MAX ${max}` : `${name} = ${value} MIN ${min} MAX ${max}`,
      );

      expect(readerSettings(await serverSize(admin))).to.equal(
        ['readonly = 2', ...said].join(', '),
      );
    } finally {
      await admin.close();
      await reader.close();
    }
  });

  it('leaves BI tools their own, shorter or somewhat longer time', async () => {
    const client = clientOf('BI user');
    try {
      for (const max_execution_time of [5, 300]) {
        const fault = await faultOf(
          client.command({ query: 'SELECT 1', clickhouse_settings: { max_execution_time } }),
        );
        expect(fault).to.equal('it worked');
      }
    } finally {
      await client.close();
    }
  });
});
