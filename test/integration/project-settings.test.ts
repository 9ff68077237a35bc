/** What is set for a project while everything runs: ingest and views go by it, and nobody's change is lost. */
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { expect } from 'chai';
import { setProject } from '../../operations/projects.ts';
import { connectClickHouse } from '../../platform/clickhouse.ts';
import { loadConfig } from '../../platform/config.ts';
import { silentLog } from '../../platform/log.ts';
import { connectNats } from '../../platform/nats.ts';
import { CLICKHOUSE_ADMIN } from '../../servers/index.ts';
import { PROJECTS_BUCKET, PROJECTS_STREAM } from '../../shared/ids.ts';
import type { ChangedSetting } from '../../shared/project-change.ts';
import type { ProjectSettings } from '../../shared/project.ts';
import { eventually } from '../support/eventually.ts';
import {
  type Around,
  connectAround,
  environmentOf,
  type PipelineProcess,
  sojourn,
  startPipelineProcess,
} from '../support/pipeline.ts';
import { useServers } from '../support/servers.ts';

const SETTLED = { withinMs: 60_000 };
/** The bucket is looked at every 5 s; a busy machine takes a while more. */
const NOTICED = { withinMs: 60_000 };

/** What `project show --json` and `project set --json` print. */
interface Shown extends Omit<ProjectSettings, 'currency'> {
  readonly project: string;
  readonly currency: string | null;
  readonly changed: string | null;
  readonly changes?: readonly ChangedSetting[];
}

describe('the settings of projects', function () {
  this.timeout(300_000);
  const servers = useServers();
  let pipeline: PipelineProcess;
  let around: Around;
  let jsm: JetStreamManager;
  let admin: ClickHouseClient;

  before(async () => {
    pipeline = await startPipelineProcess(servers());
    around = await connectAround(servers());
    jsm = await jetstreamManager(around.nc);
    admin = createClient({
      url: servers().clickhouse.url,
      username: CLICKHOUSE_ADMIN,
      password: servers().secrets.clickhouse.adminPassword,
      log: { level: ClickHouseLogLevel.OFF },
    });
  });

  after(async () => {
    await admin.close();
    await around.close();
    expect(await pipeline.stop()).to.equal(0);
  });

  const run = (...words: string[]) => sojourn(words, environmentOf(servers()));

  async function project(...words: string[]): Promise<Shown> {
    const { code, stdout, stderr } = await run('project', ...words, '--json');
    expect(code, stderr).to.equal(0);
    return JSON.parse(stdout) as Shown;
  }

  async function migrate(): Promise<string> {
    const { code, stderr } = await run('migrate');
    expect(code, stderr).to.equal(0);
    return stderr;
  }

  /** How often the process that runs has heard of a change of this project. */
  const changesHeard = (name: string) =>
    pipeline
      .log()
      .split('\n')
      .filter((line) => line.includes('settings of a project have changed'))
      .filter((line) => line.includes(`"project":"${name}"`)).length;

  /** Sets, and waits until ingest goes by it. */
  async function set(name: string, ...flags: string[]): Promise<Shown> {
    const before = changesHeard(name);
    const shown = await project('set', name, ...flags);
    await eventually(() => {
      expect(changesHeard(name)).to.be.above(before);
    }, NOTICED);
    return shown;
  }

  /** A visitor who comes from the blog, and buys something in no currency. */
  async function visit(name: string, sessionId: string, plan: string): Promise<void> {
    const at = (second: number) => Date.UTC(2026, 4, 5, 10, 0, second);
    const events = [
      {
        eventType: 'pageview',
        timestamp: at(0),
        properties: { plan, url: 'https://shop.example/a', referrer: 'https://blog.example/b' },
      },
      { eventType: 'purchase', timestamp: at(1), properties: { plan, revenue: '5.5' } },
      { eventType: 'session_end', timestamp: at(2) },
    ];
    await around.publish(
      name,
      events.map((event) => ({ ...event, sessionId })),
    );
  }

  interface Visit {
    readonly session_id: string;
    readonly channel: string;
    readonly currencies: readonly string[];
    readonly dimensions: Readonly<Record<string, string>>;
  }

  /** The ended sessions, by id. */
  const visitsOf = (name: string) =>
    around.select<Visit>(
      `SELECT session_id, channel, mapKeys(revenue_by_currency) AS currencies, dimensions
       FROM sojourn.sessions_current WHERE project = '${name}' AND state = 'ended' ORDER BY session_id`,
    );

  const expectVisits = (name: string, expected: readonly Visit[]) =>
    eventually(async () => {
      expect(await visitsOf(name)).to.deep.equal(expected);
    }, SETTLED);

  const asBefore = (session_id: string): Visit => ({
    session_id,
    channel: 'Referral',
    currencies: [''],
    dimensions: {},
  });
  const asSet = (session_id: string, plan: string): Visit => ({
    session_id,
    channel: '',
    currencies: ['EUR'],
    dimensions: { plan },
  });

  /** The row for the views, as the BI user sees it. */
  const rowsOf = (name: string) =>
    around.select<Record<string, unknown>>(
      `SELECT time_zone, week, currency, own_hosts, dimensions
       FROM sojourn.projects FINAL WHERE project = '${name}'`,
    );

  const ALL = [
    ...['--time-zone', 'Europe/Berlin', '--week', 'sunday', '--currency', 'EUR'],
    ...['--own-host', 'Blog.example', '--dimension', 'plan=properties.plan'],
  ];
  const ROW = {
    time_zone: 'Europe/Berlin',
    week: 'sunday',
    currency: 'EUR',
    own_hosts: ['blog.example'],
    dimensions: { plan: 'plan' },
  };

  it('count for events from the change on, in sessions, metrics and the row for the views', async () => {
    const name = 'settings-change';
    await visit(name, 'a', 'free');
    await expectVisits(name, [asBefore('a')]);

    const shown = await set(name, ...ALL);
    await visit(name, 'b', 'pro');

    await expectVisits(name, [asBefore('a'), asSet('b', 'pro')]);
    expect(shown.changes?.map(({ setting }) => setting)).to.deep.equal([
      'timeZone',
      'week',
      'currency',
      'ownHosts',
      'dimensions',
    ]);
    expect(await rowsOf(name)).to.deep.equal([ROW]);
    await eventually(async () => {
      const rows = await around.rows(name);
      const byPlan = [...rows].filter(([key]) => key.includes('|plan|'));
      const found = byPlan.map(([key, { value, count }]) => `${key} = ${value} / ${count}`);
      expect(found.sort()).to.deep.equal(
        [
          'bounce_rate|day|2026-05-05T00:00:00.000Z|plan|pro = 0 / 1',
          'engaged_sessions|day|2026-05-05T00:00:00.000Z|plan|pro = 1000000000 / 1',
          'event_count|hour|2026-05-05T10:00:00.000Z|plan|pro = 1000000000 / 1',
          'page_views|hour|2026-05-05T10:00:00.000Z|plan|pro = 1000000000 / 1',
          'revenue|day|2026-05-05T00:00:00.000Z|plan|pro = 5500000000 / 1',
          'sessions|day|2026-05-05T00:00:00.000Z|plan|pro = 1000000000 / 1',
        ].sort(),
      );
      const euro = rows.get('revenue|hour|2026-05-05T10:00:00.000Z|currency|EUR');
      expect(euro).to.deep.equal({ value: 5_500_000_000n, count: 1 });
    }, SETTLED);
    const audit = await run('audit', '--project', name);
    expect(audit.code, audit.stdout + audit.stderr).to.equal(0);
  });

  it('survive a restart of ingest, and can be taken away again', async () => {
    const name = 'settings-restart';
    await set(name, ...ALL);
    expect(await pipeline.stop()).to.equal(0);
    pipeline = await startPipelineProcess(servers());

    await visit(name, 'a', 'pro');
    await expectVisits(name, [asSet('a', 'pro')]);

    const away = ['--no-currency', '--no-own-host', 'blog.example', '--no-dimension', 'plan'];
    await set(name, ...away);
    await visit(name, 'b', 'pro');
    await expectVisits(name, [asSet('a', 'pro'), asBefore('b')]);
    expect(await project('show', name)).to.deep.include({
      timeZone: 'Europe/Berlin',
      currency: null,
      ownHosts: [],
      dimensions: {},
    });
    const again = await project('set', name, ...away);
    expect(again.changes).to.deep.equal([]);
  });

  it('stay as they were while the bucket is gone, and are those of the one that is made anew', async () => {
    const name = 'settings-anew';
    await set(name, ...ALL);
    await jsm.streams.delete(PROJECTS_STREAM);
    await eventually(() => {
      expect(pipeline.log()).to.contain('the bucket PROJECTS is gone');
    }, NOTICED);

    await visit(name, 'a', 'pro');
    await expectVisits(name, [asSet('a', 'pro')]);
    for (const words of [
      ['project', 'set', name, '--week', 'monday'],
      ['project', 'list'],
      ['status'],
      ['ingest'],
    ]) {
      const { code, stderr } = await run(...words);
      expect(code, words.join(' ')).to.equal(1);
      expect(stderr, words.join(' ')).to.contain('npx sojourn migrate');
    }

    expect(await migrate()).to.match(/nats has lost/);
    // By each who follows it: ingest, and the way in for trackers.
    await eventually(() => {
      expect(pipeline.log().match(/another one than before/g)).to.have.length(2);
    }, NOTICED);
    await visit(name, 'b', 'pro');
    await expectVisits(name, [asSet('a', 'pro'), asBefore('b')]);

    // The revisions of the new bucket begin at 1: its rows win all the same.
    await set(name, ...ALL, '--week', 'monday');
    await visit(name, 'c', 'max');
    await expectVisits(name, [asSet('a', 'pro'), asBefore('b'), asSet('c', 'max')]);
    expect(await rowsOf(name)).to.deep.equal([{ ...ROW, week: 'monday' }]);
  });

  it('are all there when several set the same project at the same time', async () => {
    const name = 'settings-race';
    const hosts = Array.from({ length: 8 }, (_, n) => `h${n}.example`);
    const config = loadConfig(environmentOf(servers()));
    const { url } = servers().nats;
    const nats = await connectNats({ ...config, NATS_URL: url }, 'test', silentLog);
    const clickhouse = { ...config, CLICKHOUSE_URL: servers().clickhouse.url };
    const tables = connectClickHouse(clickhouse, 'writer');
    try {
      await Promise.all([
        ...hosts.map((add) => setProject({ nats, tables }, name, { ownHosts: [{ add }] })),
        project('set', name, '--dimension', 'plan=plan'),
        project('set', name, '--currency', 'EUR'),
      ]);
    } finally {
      await tables.close();
      await nats.connection.close();
    }

    const expected = { ownHosts: hosts, dimensions: { plan: 'plan' }, currency: 'EUR' };
    expect(await project('show', name)).to.deep.include(expected);
    expect(await rowsOf(name)).to.deep.equal([
      { ...ROW, time_zone: 'UTC', week: 'monday', own_hosts: hosts },
    ]);
  });

  it('are written into ClickHouse by `migrate` where it has none, or others', async () => {
    const [empty, wrong] = ['settings-empty', 'settings-wrong'];
    await project('set', empty, ...ALL);
    await project('set', wrong, ...ALL);
    await admin.command({
      query: `DELETE FROM sojourn.projects WHERE project = '${empty}'`,
      clickhouse_settings: { lightweight_deletes_sync: '2' },
    });
    await admin.command({
      query: `INSERT INTO sojourn.projects (project, time_zone, version)
        SELECT project, 'Asia/Tokyo', max(version) + 10 FROM sojourn.projects
        WHERE project = '${wrong}' GROUP BY project`,
    });
    expect(await rowsOf(empty)).to.deep.equal([]);

    await migrate();

    for (const name of [empty, wrong]) {
      expect(await rowsOf(name), name).to.deep.equal([ROW]);
    }
  });

  it('are defaults for what breaks a rule in the bucket, which a person is told', async () => {
    const name = 'settings-broken';
    const text = '{"timeZone":"Mars/Olympus","currency":"EUR"}';
    const bucket = await new Kvm(around.js).open(PROJECTS_BUCKET);
    await bucket.put(name, text);
    try {
      await eventually(() => {
        expect(pipeline.log()).to.match(/settings of a project break rules/);
      }, NOTICED);
      const { code, stdout, stderr } = await run('project', 'show', name, '--json');
      expect(code).to.equal(0);
      expect(JSON.parse(stdout)).to.include({ timeZone: 'UTC', currency: 'EUR' });
      expect(stderr).to.contain('the time zone must be an IANA name');
    } finally {
      // Whoever reads the bucket in a file after this one would be told of it.
      await bucket.delete(name);
    }
  });

  it('stay as they are where ClickHouse would refuse their row', async () => {
    const name = 'settings-no-writer';
    const words = ['project', 'set', name, '--time-zone', 'Europe/Berlin'];
    for (const password of ['', 'wrong']) {
      const environment = { ...environmentOf(servers()), CLICKHOUSE_WRITER_PASSWORD: password };
      const { code, stderr } = await sojourn(words, environment);

      expect(code).to.equal(1);
      expect(stderr).to.contain('CLICKHOUSE_WRITER_');
    }
    expect(await project('show', name)).to.include({ timeZone: 'UTC', changed: null });
  });

  it('stay as they are where their row may not be written', async () => {
    const name = 'settings-no-insert';
    const { CLICKHOUSE_BI_USER, CLICKHOUSE_BI_PASSWORD, ...others } = environmentOf(servers());
    const reader = {
      ...others,
      CLICKHOUSE_WRITER_USER: CLICKHOUSE_BI_USER ?? 'sojourn_bi',
      CLICKHOUSE_WRITER_PASSWORD: CLICKHOUSE_BI_PASSWORD ?? '',
    };
    const words = ['project', 'set', name, '--time-zone', 'Europe/Berlin'];
    const { code, stderr } = await sojourn(words, reader);

    expect(code).to.equal(1);
    expect(stderr).to.contain('INSERT ON sojourn.projects');
    expect(await project('show', name)).to.include({ timeZone: 'UTC', changed: null });
  });
});
