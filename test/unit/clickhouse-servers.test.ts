import {
  type ClickHouseClient,
  ClickHouseError,
  type ClickHouseSettings,
} from '@clickhouse/client';
import { expect } from 'chai';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pino } from 'pino';
import {
  clientOfCluster,
  clusterOf,
  isRepeatable,
  outcomeOf,
} from '../../platform/clickhouse-servers.ts';
import { RowBytes } from '../../platform/row-bytes.ts';

type Answer = 'fine' | Error;

const away = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
const cutOff = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
const says = (code: string, message = 'no') => new ClickHouseError({ message, code });

const TOKEN = { insert_deduplication_token: 'range', insert_deduplicate: 1 as const };
const insertOf = (clickhouse_settings: ClickHouseSettings) => ({
  table: 't',
  values: [{ a: 1 }],
  clickhouse_settings,
});

/** Servers that answer one call after the other so, and fine from then on. */
function aCluster(answers: Readonly<Record<string, readonly Answer[]>>, isAdmin = false) {
  const asked: string[] = [];
  const commands: { query: string; clickhouse_settings?: object }[] = [];
  const lines: string[] = [];
  const waits: number[] = [];
  const sent: string[] = [];
  const servers = Object.entries(answers).map(([name, list]) => {
    let calls = 0;
    const answer = async () => {
      asked.push(name);
      const next = list[calls] ?? 'fine';
      calls += 1;
      await Promise.resolve();
      if (next !== 'fine') throw next;
      return name;
    };
    const client = {
      query: answer,
      insert: answer,
      // It reads what it is sent, and may fail then.
      exec: async ({ values }: { values?: Readable }) => {
        if (values !== undefined) sent.push(await text(values));
        return answer();
      },
      command: (params: { query: string }) => {
        commands.push(params);
        return answer();
      },
      ping: () =>
        answer().then(
          () => ({ success: true }),
          (error: unknown) => ({ success: false, error }),
        ),
      close: answer,
    };
    return {
      address: `http://u:hidden@${name}:8123`,
      client: client as unknown as ClickHouseClient,
    };
  });
  const [first, ...others] = servers;
  if (first === undefined) throw new Error('no server');
  const log = pino({}, { write: (line: string) => lines.push(line) });
  const pause = (ms: number) => Promise.resolve(waits.push(ms));
  const client = clientOfCluster([first, ...others], { cluster: 'c', isAdmin, log, pause });
  return { client, asked, commands, lines, waits, sent };
}

const fault = (call: Promise<unknown>) =>
  call.then(() => undefined).catch((error: unknown) => error);

describe('a client of several ClickHouse servers', () => {
  it('stays with the first while that does its part', async () => {
    const { client, asked, lines } = aCluster({ a: [], b: [] });

    await client.query({ query: 'SELECT 1' });
    await client.insert(insertOf(TOKEN));

    expect(asked).to.deep.equal(['a', 'a']);
    expect(lines).to.deep.equal([]);
    expect(clusterOf(client)).to.equal('c');
  });

  it('goes to the next where it cannot connect, says so once without a password, and stays there', async () => {
    const { client, asked, lines } = aCluster({ a: [away, away, away], b: [] });

    await Promise.all([client.query({ query: 'SELECT 1' }), client.query({ query: 'SELECT 1' })]);
    await client.insert(insertOf({}));

    expect(asked.filter((name) => name === 'b')).to.have.length(3);
    expect(lines).to.have.length(1);
    expect(lines[0]).to.contain('http://b:8123').and.not.contain('hidden');
  });

  it('repeats elsewhere what broke off only where once more changes nothing', async () => {
    for (const error of [cutOff, new Error('Timeout error.'), says('319'), says('999')]) {
      const token = aCluster({ a: [error], b: [] });
      await token.client.insert(insertOf(TOKEN));
      expect(token.asked).to.deep.equal(['a', 'b']);

      const none = aCluster({ a: [error], b: [] });
      expect(await fault(none.client.insert(insertOf({})))).to.equal(error);
      expect(none.asked).to.deep.equal(['a']);
      await none.client.insert(insertOf({}));
      expect(none.asked, 'the next call').to.deep.equal(['a', 'b']);
    }
  });

  it('repeats a statement that broke off nowhere, and one that was not done elsewhere', async () => {
    const broken = aCluster({ a: [cutOff], b: [] });
    expect(await fault(broken.client.command({ query: 'X' }))).to.equal(cutOff);

    const readOnly = aCluster({ a: [says('242')], b: [] });
    await readOnly.client.command({ query: 'X' });
    expect(readOnly.asked).to.deep.equal(['a', 'b']);
  });

  it('asks another replica where this one has not got the latest, or nothing at all', async () => {
    for (const error of [
      says('289'),
      says('60'),
      says('81'),
      says('516'),
      says('164', 'Replica is not active right now'),
    ]) {
      const { client, asked } = aCluster({ a: [error], b: [] });
      await client.query({ query: 'SELECT 1' });
      expect(asked).to.deep.equal(['a', 'b']);
    }
  });

  it('waits where another insert waits for its quorum, and gives up after a while', async () => {
    const busy = says('286');
    const soon = aCluster({ a: [busy, busy], b: [] });
    await soon.client.insert(insertOf(TOKEN));
    expect(soon.asked).to.deep.equal(['a', 'a', 'a']);
    expect(soon.waits).to.deep.equal([250, 250]);

    const never = aCluster({ a: Array<Answer>(50).fill(busy) });
    expect(await fault(never.client.insert(insertOf(TOKEN)))).to.equal(busy);
    expect(never.waits).to.have.length(20);
  });

  it('throws what is the same anywhere at once, and what all say after the last', async () => {
    const wrong = says('62');
    const refused = aCluster({ a: [wrong], b: [] });
    expect(await fault(refused.client.query({ query: 'SELEKT' }))).to.equal(wrong);
    expect(refused.asked).to.deep.equal(['a']);

    const none = aCluster({ a: [away], b: [away], c: [away] });
    expect(await fault(none.client.query({ query: 'SELECT 1' }))).to.equal(away);
    expect(none.asked).to.deep.equal(['a', 'b', 'c']);
  });

  it('pings until one answers, and closes all', async () => {
    const { client, asked } = aCluster({ a: [away], b: [] });

    expect((await client.ping({ select: true })).success).to.equal(true);
    await client.close();

    expect(asked).to.deep.equal(['a', 'b', 'a', 'b']);
    const nobody = aCluster({ a: [away], b: [away] });
    expect((await nobody.client.ping({ select: true })).success).to.equal(false);
  });

  it('defines on all servers as the admin, and waits for what they say', async () => {
    const admin = aCluster({ a: [] }, true);
    await admin.client.command({ query: 'CREATE DATABASE IF NOT EXISTS sojourn' });
    await admin.client.command({ query: 'DELETE FROM sojourn.zones WHERE 1' });

    expect(admin.commands).to.deep.equal([
      {
        query: 'CREATE DATABASE IF NOT EXISTS sojourn ON CLUSTER `c`',
        clickhouse_settings: { wait_end_of_query: 1 },
      },
      { query: 'DELETE FROM sojourn.zones WHERE 1' },
    ]);
    expect(await fault(admin.client.command({ query: 'RENAME TABLE a TO b' }))).to.be.an('error');
  });
});

describe('bytes that are inserted into a cluster', () => {
  const rows = () => new RowBytes(['a'], [Buffer.from('be'), Buffer.from('gun')], 1);
  const insertBytes = (client: ClickHouseClient, values: Readable, settings = TOKEN) =>
    client.exec({ query: 'INSERT', values, clickhouse_settings: settings });

  it('are sent to the next server from the beginning', async () => {
    const { client, asked, sent } = aCluster({ a: [says('242')], b: [cutOff], c: [] });

    await insertBytes(client, rows().stream());

    expect(asked).to.deep.equal(['a', 'b', 'c']);
    expect(sent).to.deep.equal(['begun', 'begun', 'begun']);
  });

  it('are sent once where they may count twice, or cannot be read again', async () => {
    const { client, sent } = aCluster({ a: [cutOff, says('242')], b: [cutOff] });

    for (const values of [rows().stream(), Readable.from([Buffer.from('once')])]) {
      const settings = { insert_deduplication_token: '', insert_deduplicate: 1 as const };
      await fault(insertBytes(client, values, settings));
    }

    expect(sent).to.deep.equal(['begun', 'once']);
  });
});

describe('an error of ClickHouse', () => {
  it('says whether it was done', () => {
    const each = Object.assign(new AggregateError([away, away]), { code: 'ECONNREFUSED' });

    expect([away, each, says('242')].map(outcomeOf)).to.deep.equal(Array(3).fill('not-done'));
    expect([cutOff, says('319')].map(outcomeOf)).to.deep.equal(['unknown', 'unknown']);
    expect(outcomeOf(says('286'))).to.equal('busy');
    expect(outcomeOf(new Error('The user aborted a request.'))).to.equal('final');
    expect(outcomeOf(says('164', 'Cannot execute query in readonly mode'))).to.equal('final');
  });
});

describe('an insert', () => {
  it('is repeatable by its token, and where its rows can be sent again', () => {
    expect(isRepeatable(insertOf(TOKEN))).to.equal(true);
    expect(isRepeatable(insertOf({}))).to.equal(false);
    expect(isRepeatable(insertOf({ ...TOKEN, insert_deduplicate: 0 }))).to.equal(false);
    expect(isRepeatable({ ...insertOf(TOKEN), values: 'once' })).to.equal(false);
  });
});
