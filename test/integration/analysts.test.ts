/**
 * Analysts of one project on a real ClickHouse: that they see all of their project, through each view, and nothing of
 * another one, whatever they ask.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { expect } from 'chai';
import { metricTableRows, sessionTableRow } from '../../activities/load-batch.ts';
import {
  ANALYST_RELATIONS,
  analystUser,
  CLOSED_TO_ANALYSTS,
  PROJECT_TABLES,
} from '../../platform/analyst-rights.ts';
import {
  createAnalyst,
  isUsersInFiles,
  removalStatements,
  rightsStatements,
  userStatements,
} from '../../platform/analyst-users.ts';
import {
  addAnalyst,
  type AnalystDeps,
  listAnalysts,
  removeAnalyst,
} from '../../operations/analysts.ts';
import { connectClickHouse, select } from '../../platform/clickhouse.ts';
import { loadConfig, requireServers } from '../../platform/config.ts';
import { silentLog } from '../../platform/log.ts';
import { HIDDEN_FROM_READERS, NAMED_TO_READERS } from '../../platform/reader-rights.ts';
import { applyMigrations, readMigrations } from '../../platform/migrate.ts';
import { migrateZones } from '../../platform/migrate-zones.ts';
import { loadZones } from '../../platform/zones.ts';
import { changeAnalysts } from '../../servers/analysts-file.ts';
import { type ClickhouseServer, startClickhouse } from '../../servers/clickhouse.ts';
import {
  CLICKHOUSE_ADMIN,
  CLICKHOUSE_BI,
  CLICKHOUSE_MARTS,
  CLICKHOUSE_WRITER,
  freePort,
  type Servers,
  startServers,
} from '../../servers/index.ts';
import type { Keeper } from '../../servers/keep-running.ts';
import { addAll, type Contributions } from '../../shared/contributions.ts';
import { applyEvents, emptySession, factsOf, sessionRows } from '../../shared/session.ts';
import { aRollup } from '../support/builders.ts';
import { toError } from '../../shared/errors.ts';
import { eventually } from '../support/eventually.ts';
import { sojourn } from '../support/pipeline.ts';
import { temporaryFolder, testStartOptions } from '../support/servers.ts';

const OWN = 'shop';
/** In each text of the other project, so that whatever of it comes through is seen. */
const SECRET = 'hidden';
const OTHER = `blog-${SECRET}`;
const PASSWORD = 'for the test alone';
const AT = Date.UTC(2026, 10, 1, 12);

describe('an analyst of one project', function () {
  this.timeout(300_000);
  const users = { adminPassword: 'a', writerPassword: 'w', biPassword: 'b', martsPassword: 'm' };
  const clients: ClickHouseClient[] = [];
  let server: ClickhouseServer;
  let admin: ClickHouseClient;
  let analyst: ClickHouseClient;

  function clientOf(username: string, password: string): ClickHouseClient {
    const log = { level: ClickHouseLogLevel.OFF };
    const client = createClient({ url: server.url, username, password, log });
    clients.push(client);
    return client;
  }

  before(async () => {
    const dataDir = temporaryFolder();
    const passwordHash = createHash('sha256').update(PASSWORD).digest('hex');
    await changeAnalysts(dataDir, () => [{ name: 'ada', project: OWN, passwordHash }]);
    server = await startClickhouse({ dataDir, port: await freePort(), users, log: silentLog });
    admin = clientOf(CLICKHOUSE_ADMIN, users.adminPassword);
    analyst = clientOf(analystUser('ada'), PASSWORD);
    await admin.command({ query: 'CREATE DATABASE IF NOT EXISTS sojourn' });
    await applyMigrations(admin, readMigrations(), silentLog);
    await migrateZones(admin, loadZones(), AT, silentLog);
    for (const project of [OWN, OTHER]) await fill(project);
  });

  after(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await server.stop();
  });

  const insert = (table: string, values: readonly object[]) =>
    admin.insert({ table: `sojourn.${table}`, values, format: 'JSONEachRow' });

  /** A visit, in all tables that have rows of projects, with a zone of quarter hours: all views have rows of it. */
  async function fill(project: string): Promise<void> {
    const mark = project === OWN ? 'own' : SECRET;
    await insert('projects', [
      {
        project,
        time_zone: 'Asia/Kathmandu',
        currency: mark,
        own_hosts: [mark],
        dimensions: { plan: 'properties.plan' },
        version: 1,
      },
    ]);
    await insert('kept_from', [{ project, kept_from: 1 }]);
    await insert('full_dimensions', [
      { project, day: '2026-11-01', dimension: 'campaign', values_max: 1, kept_values: [mark] },
    ]);
    const state = emptySession();
    const sums: Contributions = new Map();
    const common = { userId: `u-${mark}`, visitorId: `v-${mark}`, deviceType: mark, country: mark };
    const more = { channel: mark, campaign: mark, trafficSource: mark, browser: mark, os: mark };
    const fields = { ...common, ...more, 'dim:plan': mark } as const;
    addAll(
      sums,
      applyEvents(state, [
        { id: 'a', type: 'pageview', at: AT, seq: 1, path: `/${mark}`, ...fields },
        { id: 'b', type: `signup-${mark}`, at: AT + 20_000, seq: 2, ...fields },
        { id: 'c', type: 'purchase', at: AT + 1_000_000, seq: 3, revenue: '5', currency: mark },
      ]),
    );
    const facts = factsOf(state, true);
    if (facts === undefined) throw new Error('a session has events');
    addAll(sums, sessionRows(facts));
    const session = { ...facts, status: 'ended', updatedAt: facts.lastEventAt } as const;
    const names = { project, sessionId: `s-${mark}`, identity: `0-${mark}`, session };
    const row = sessionTableRow(aRollup({ ...names, writeNo: 1 }));
    const now = new Date().toISOString().slice(0, 19).replace('T', ' ');
    const open = { state: 'open', updated_at: now };
    await insert('sessions', [row, { ...row, session_id: `open-${mark}`, ...open, version: 2 }]);
    await insert('metrics', metricTableRows(project, sums));
    await admin.command({
      query: `INSERT INTO sojourn.metrics (project, metric_type, granularity, dimension, value, count) VALUES ('${project}', 'sessions', 'hour', '', 1, 1)`,
    });
  }

  /** What a query says, or the fault that it ends with: both are read by who asks. */
  const asked = async (client: ClickHouseClient, query: string): Promise<string> => {
    try {
      const result = await client.query({ query, format: 'JSONCompactEachRow' });
      return await result.text();
    } catch (error) {
      return `fault: ${String(error)}`;
    }
  };

  it('sees of each table and view the rows of the project, and those alone', async () => {
    for (const relation of ANALYST_RELATIONS) {
      const all = await asked(admin, `SELECT * FROM sojourn.${relation}`);
      const seen = await asked(analyst, `SELECT * FROM sojourn.${relation}`);

      if (relation === 'zones') continue;
      if (relation !== 'drift') expect(all, relation).to.contain(OTHER).and.to.contain(`"${OWN}"`);
      if (relation !== 'drift') expect(seen, relation).to.contain(`"${OWN}"`);
      expect(seen, relation).not.to.contain(SECRET);
      expect(seen, relation).not.to.contain('fault');
      expect(linesOf(seen), relation).to.deep.equal(
        linesOf(await asked(admin, `SELECT * FROM sojourn.${relation} WHERE project = '${OWN}'`)),
      );
    }
    expect(Number(await asked(analyst, 'SELECT count() FROM sojourn.zones'))).to.not.equal(0);
  });

  it('sees nothing of what is the loader’s, nor rows past their table', async () => {
    for (const relation of CLOSED_TO_ANALYSTS) {
      for (const query of [`SELECT * FROM sojourn.${relation}`, `DESCRIBE sojourn.${relation}`]) {
        expect(await asked(analyst, query), query).to.match(/^fault: .*Not enough privileges/s);
      }
    }
    const names = await asked(analyst, `SELECT name FROM system.tables WHERE database != 'system'`);
    for (const relation of CLOSED_TO_ANALYSTS) expect(names).not.to.contain(`"${relation}"`);
  });

  it('has every table and view of the database among those that are shown, or kept back', async () => {
    const rows = await select<{ name: string; engine: string; made: string; projects: number }>(
      admin,
      `SELECT name, engine, create_table_query AS made,
         toUInt8(has((SELECT groupArray(table) FROM system.columns WHERE database = 'sojourn' AND name = 'project'), name)) AS projects
       FROM system.tables WHERE database = 'sojourn'`,
    );

    expect(rows.map(({ name }) => name).sort()).to.deep.equal(
      [...ANALYST_RELATIONS, ...CLOSED_TO_ANALYSTS].sort(),
    );
    for (const { name, engine, made, projects } of rows) {
      if (!ANALYST_RELATIONS.includes(name)) continue;
      const hasPolicy = PROJECT_TABLES.some((table) => table === name);
      if (engine === 'View') expect(made, name).not.to.match(/SQL SECURITY (DEFINER|NONE)/);
      else expect(hasPolicy, name).to.equal(projects === 1);
    }
  });

  for (const reader of [CLICKHOUSE_BI, CLICKHOUSE_MARTS]) {
    it(`leaves ${reader} without what nobody reads, and with all the rest`, async () => {
      const password = reader === CLICKHOUSE_BI ? users.biPassword : users.martsPassword;
      const client = clientOf(reader, password);
      const rows = await select<{ name: string }>(
        admin,
        "SELECT name FROM system.tables WHERE database = 'sojourn'",
      );
      const listed = await asked(client, 'SHOW TABLES FROM sojourn');
      const closed = [...HIDDEN_FROM_READERS, ...NAMED_TO_READERS];

      for (const { name } of rows) {
        const seen = await asked(client, `SELECT * FROM sojourn.${name} LIMIT 1`);
        if (closed.includes(name)) expect(seen, name).to.match(/^fault: .*Not enough privileges/s);
        else expect(seen, name).not.to.contain('fault');
        const isNamed = listed.split('\n').includes(`["${name}"]`);
        expect(isNamed, name).to.equal(!HIDDEN_FROM_READERS.includes(name));
      }
      expect(rows.map(({ name }) => name)).to.include.members(closed);
      // What is kept from analysts has to be thought about here too.
      const readByCommands = ['loaded_ranges', 'imports', 'import_sessions', 'import_rows'];
      const forAudits = ['forgotten'];
      expect([...closed, ...readByCommands, ...forAudits]).to.have.members(CLOSED_TO_ANALYSTS);
      for (const name of NAMED_TO_READERS) {
        expect(await asked(client, `EXISTS TABLE sojourn.${name}`)).to.equal('[1]\n');
      }
      const described = await asked(
        client,
        "SELECT DISTINCT table_name FROM information_schema.columns WHERE table_schema = 'sojourn'",
      );
      for (const name of closed) expect(described).not.to.contain(`"${name}"`);
    });
  }

  const WAYS = [
    // Values in what a query fails with, before and behind FINAL, in each order of conditions.
    ...['', ' FINAL'].flatMap((final) => [
      `SELECT count() FROM sojourn.sessions${final} WHERE accurateCast(session_id, 'UInt8') > 0`,
      `SELECT count() FROM sojourn.sessions${final} PREWHERE accurateCast(session_id, 'UInt8') > 0`,
      `SELECT count() FROM sojourn.metrics${final} WHERE throwIf(project != '${OWN}', 'seen ${SECRET}')`,
      `SELECT count() FROM sojourn.metrics${final} PREWHERE throwIf(project != '${OWN}', 'seen ${SECRET}') = 0 WHERE 1`,
    ]),
    `SELECT sum(throwIf(project != '${OWN}', 'seen ${SECRET}')) FROM sojourn.visits`,
    `SELECT groupArray(project) FROM sojourn.overview_daily WHERE accurateCast(project, 'String') != ''`,
    // Without rows: what a table's parts know.
    'SELECT min(project), max(project), uniqExact(project), any(project) FROM sojourn.metrics',
    'SELECT DISTINCT project FROM sojourn.sessions',
    'SELECT project, count() FROM sojourn.metrics GROUP BY project',
    'SELECT project FROM sojourn.metrics ORDER BY project LIMIT 1 BY project',
    // Other ways to a table.
    `SELECT * FROM merge('sojourn', '^(metrics|sessions|projects|project_clocks)$')`,
    `SELECT * FROM merge('sojourn', '.*')`,
    `SELECT * FROM view(SELECT * FROM sojourn.projects)`,
    `SELECT * FROM loop('sojourn', 'projects') LIMIT 10`,
    `SELECT * FROM cluster('default', 'sojourn', 'projects')`,
    `SELECT * FROM remote('127.0.0.1', 'sojourn', 'projects')`,
    `SELECT * FROM mergeTreeProjection('sojourn', 'metrics', 'p')`,
    `SELECT * FROM mergeTreeAnalyzeIndexes('sojourn', 'metrics', project != '')`,
    `SELECT * FROM mergeTreeTextIndex('sojourn', 'metrics', 'p')`,
    `SELECT joinGet('sojourn.projects', 'currency', '${OTHER}')`,
    `SELECT dictGet('sojourn.projects', 'currency', '${OTHER}')`,
    `SELECT * FROM dictionary('sojourn.projects')`,
    `SELECT hasColumnInTable('sojourn', 'loaded_ranges', 'log')`,
    `SELECT p.* FROM sojourn.zones AS z ANY LEFT JOIN sojourn.projects AS p ON p.time_zone = z.zone`,
    // Settings that turn something off.
    ...[
      'allow_experimental_analyzer = 0',
      'apply_row_policy_after_final = 0',
      'max_threads = 1',
    ].map((setting) => `SELECT * FROM sojourn.sessions FINAL SETTINGS ${setting}`),
    `SELECT * FROM sojourn.visits SETTINGS allow_experimental_analyzer = 0`,
    `SELECT * FROM sojourn.projects SETTINGS additional_table_filters = {'sojourn.projects': '1'}`,
    // What tells of queries, tables and users.
    ...[
      'EXPLAIN',
      'EXPLAIN indexes = 1',
      'EXPLAIN actions = 1',
      'EXPLAIN SYNTAX',
      'EXPLAIN ESTIMATE',
    ].map((explain) => `${explain} SELECT * FROM sojourn.metrics WHERE project != '${OWN}'`),
    'EXPLAIN PIPELINE graph = 1 SELECT * FROM sojourn.overview_daily',
    ...['tables', 'columns', 'databases', 'data_skipping_indices', 'settings', 'functions'].map(
      (table) => `SELECT * FROM system.${table}`,
    ),
    ...[
      'parts',
      'parts_columns',
      'projection_parts',
      'part_log',
      'query_log',
      'processes',
      'errors',
    ].map((table) => `SELECT * FROM system.${table}`),
    ...[
      'text_log',
      'query_thread_log',
      'mutations',
      'merges',
      'users',
      'row_policies',
      'grants',
    ].map((table) => `SELECT * FROM system.${table}`),
    ...[
      'dictionaries',
      'detached_parts',
      'tables',
      'query_cache',
      'view_refreshes',
      'warnings',
    ].map((table) => `SELECT * FROM system.${table}`),
    'SELECT * FROM information_schema.columns',
    'SELECT * FROM information_schema.tables',
    ...PROJECT_TABLES.map((table) => `SHOW CREATE TABLE sojourn.${table}`),
    'SHOW ROW POLICIES',
    'SHOW USERS',
    'SHOW GRANTS',
    'SHOW PROCESSLIST',
    'CHECK TABLE sojourn.projects',
  ];
  for (const query of WAYS) {
    it(`is told nothing of another project by ${query.replaceAll('\n', ' ').slice(0, 100)}`, async () => {
      const said = await asked(analyst, query);

      // A fault repeats what was asked.
      expect(said.replaceAll(query, '').replaceAll(`seen ${SECRET}'`, '')).not.to.contain(SECRET);
    });
  }

  it('writes nothing', async () => {
    for (const query of [
      `INSERT INTO sojourn.projects (project, version) VALUES ('${OWN}', 9)`,
      'CREATE TABLE sojourn.mine (a Int8) ENGINE = Memory',
      'CREATE TEMPORARY TABLE mine (a Int8)',
      'ALTER TABLE sojourn.metrics DELETE WHERE 1',
      'TRUNCATE TABLE sojourn.metrics',
      'SET readonly = 0',
      'SYSTEM FLUSH LOGS',
    ]) {
      const said = await analyst.command({ query }).then(
        () => 'it worked',
        (error: unknown) => String(error),
      );
      expect(said, query).to.match(/Not enough privileges|readonly/);
    }
  });

  it('takes no rows from anybody else', async () => {
    for (const [name, password] of [
      [CLICKHOUSE_BI, users.biPassword],
      [CLICKHOUSE_MARTS, users.martsPassword],
    ] as const) {
      const other = clientOf(name, password);
      for (const relation of ANALYST_RELATIONS) {
        const query = `SELECT * FROM sojourn.${relation}`;
        if (relation === 'visitors_now' || relation === 'zones') continue;
        expect(linesOf(await asked(other, query)), relation).to.deep.equal(
          linesOf(await asked(admin, query)),
        );
      }
    }
    const writer = clientOf(CLICKHOUSE_WRITER, users.writerPassword);
    const values = [{ project: OTHER, time_zone: 'UTC', currency: SECRET, version: 3 }];
    await writer.insert({ table: 'sojourn.projects', values, format: 'JSONEachRow' });

    const query = `SELECT time_zone FROM sojourn.projects FINAL WHERE project = '${OTHER}'`;
    expect(await asked(admin, query)).to.equal('["UTC"]\n');
    const clocks = `SELECT countIf(offset_seconds = 0) FROM sojourn.project_clocks FINAL WHERE project = '${OTHER}' AND version = 3`;
    expect(await asked(admin, clocks), 'the view that writes clocks').to.equal('[128]\n');
  });

  it('would be made by statements that this ClickHouse reads, in an order that never shows too much', async () => {
    const made = { name: 'ada', project: OWN, passwordHash: 'a'.repeat(64) };
    const all = [...userStatements(made), ...rightsStatements(made), ...removalStatements('ada')];
    for (const query of all) {
      expect(await asked(admin, `EXPLAIN AST ${query}`), query).not.to.contain('fault');
    }
    const firstGrant = all.findIndex((query) => query.startsWith('GRANT'));
    const lastPolicy = all.findLastIndex((query) => query.startsWith('CREATE ROW POLICY'));
    expect(firstGrant).to.be.above(lastPolicy);

    const fault = await createAnalyst(admin, made).catch((error: unknown) => error);
    expect(isUsersInFiles(fault), String(fault)).to.equal(true);
  });
});

describe('analysts of a server that `up` keeps running', function () {
  this.timeout(600_000);
  let servers: Servers;
  let keeper: Keeper;
  let deps: AnalystDeps;
  const clients: ClickHouseClient[] = [];

  before(async () => {
    const dataDir = temporaryFolder();
    const which = new Set(['clickhouse'] as const);
    servers = await startServers({ ...testStartOptions(dataDir), which });
    keeper = servers.keepRunning({ lookEveryMs: 200 });
    const { secrets, clickhouse } = servers;
    const url = clickhouse?.url ?? '';
    const config = requireServers(
      loadConfig({
        CLICKHOUSE_URL: url,
        CLICKHOUSE_ADMIN_USER: CLICKHOUSE_ADMIN,
        CLICKHOUSE_ADMIN_PASSWORD: secrets.clickhouse.adminPassword,
      }),
      ['CLICKHOUSE_URL'],
    );
    const admin = connectClickHouse(config, 'admin');
    clients.push(admin);
    // ClickHouse starts anew for each change.
    deps = { config, admin, dataDir, patienceMs: 150_000 };
    await admin.command({ query: 'CREATE DATABASE IF NOT EXISTS sojourn' });
    await applyMigrations(admin, readMigrations(), silentLog);
  });

  after(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await keeper.stop();
    await servers.stop();
  });

  const project = 'own-shop';

  /** The project that an analyst is shown, or why none is. */
  async function seenBy(user: string, password: string): Promise<string> {
    const login = { CLICKHOUSE_BI_USER: user, CLICKHOUSE_BI_PASSWORD: password };
    const client = connectClickHouse({ ...deps.config, ...login }, 'bi');
    try {
      const rows = await select<{ project: string }>(
        client,
        'SELECT DISTINCT project FROM sojourn.projects',
      );
      return rows.map((row) => row.project).join();
    } catch (error) {
      return toError(error).message;
    } finally {
      await client.close();
    }
  }

  it('are there, and gone, as soon as the command says so', async () => {
    await deps.admin.insert({
      table: 'sojourn.projects',
      values: [{ project }, { project: 'other' }],
      format: 'JSONEachRow',
    });

    const added = await addAnalyst(deps, { name: project, project }, 'a first password');
    expect(added).to.include({ user: `sojourn_analyst_${project}`, isReady: true });
    expect(added.warnings.join()).to.contain('file()');
    expect(await seenBy(added.user, 'a first password')).to.equal(project);
    expect(await listAnalysts(deps)).to.deep.equal([{ name: project, project }]);

    await addAnalyst(deps, { name: project, project }, 'a second password');
    expect(await seenBy(added.user, 'a second password')).to.equal(project);
    expect(await seenBy(added.user, 'a first password')).to.match(/refused/);

    const removed = await removeAnalyst(deps, { name: project, project });
    expect(removed).to.deep.equal({ user: added.user, wasThere: true, isReady: true });
    expect(await seenBy(added.user, 'a second password')).to.match(/refused/);
    expect(await listAnalysts(deps)).to.deep.equal([]);
  });

  it('are of one project each', async () => {
    await addAnalyst(deps, { name: 'ada', project }, 'a password of hers');
    for (const change of [addAnalyst, removeAnalyst]) {
      const fault = await change(
        deps,
        { name: 'ada', project: 'other' },
        'a password of his',
      ).catch(toError);
      expect(fault)
        .to.have.property('message')
        .that.contains('sojourn_analyst_ada is an analyst of project own-shop');
    }
    await removeAnalyst(deps, { name: 'ada', project });
  });

  it('are not made where the files are those of somebody else', async () => {
    const stranger = { ...deps, dataDir: temporaryFolder() };
    const fault = await addAnalyst(stranger, { name: 'eve', project }, 'a password of hers').catch(
      toError,
    );

    expect(fault).to.have.property('code', 'SJ_CONFIG');
  });

  it('are made and removed by one command each, which shows a password once', async () => {
    const environment = {
      CLICKHOUSE_URL: deps.config.CLICKHOUSE_URL,
      CLICKHOUSE_ADMIN_USER: CLICKHOUSE_ADMIN,
      CLICKHOUSE_ADMIN_PASSWORD: deps.config.CLICKHOUSE_ADMIN_PASSWORD ?? '',
    };
    const run = async (words: readonly string[], input?: string) => {
      const all = ['project', 'analyst', ...words, '--data-dir', deps.dataDir];
      const { code, stdout, stderr } = await sojourn(all, environment, input);
      expect(code, stderr).to.equal(0);
      return stdout;
    };

    const made = JSON.parse(await run(['add', project, '--json'])) as Record<string, string>;
    expect(made).to.include({ user: `sojourn_analyst_${project}`, project, ready: true });
    expect(await seenBy(made['user'] ?? '', made['password'] ?? '')).to.equal(project);

    const own = 'a password of standard input';
    const said = await run(['add', project, '--name', 'eve', '--password-stdin'], `${own}\n`);
    expect(said).to.equal(`user: sojourn_analyst_eve\nproject: ${project}\n`);
    expect(await seenBy('sojourn_analyst_eve', own)).to.equal(project);

    expect(JSON.parse(await run(['list', project]))).to.deep.equal([
      { user: 'sojourn_analyst_eve', project },
      { user: `sojourn_analyst_${project}`, project },
    ]);
    expect(JSON.parse(await run(['list', 'other']))).to.deep.equal([]);
    await run(['remove', project, '--name', 'eve']);
    await run(['remove', project]);
    expect(await run(['remove', project])).to.equal(`there is no sojourn_analyst_${project}\n`);
  });

  const WORDS = 'a (first|second) password|a password of';

  it('have their passwords in no file', async () => {
    let found = '';
    await eventually(
      () => {
        const { status, stdout } = spawnSync('grep', ['-rlE', WORDS, deps.dataDir]);
        found += String(stdout);
        // 1: looked at all, found nothing. It is 2 where the server, which runs, took a file away meanwhile.
        expect(status).to.equal(1);
      },
      { withinMs: 60_000 },
    );
    expect(found).to.equal('');
  });
});

function linesOf(text: string): readonly string[] {
  return text.split('\n').sort();
}
