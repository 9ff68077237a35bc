/** The SQL of docs/questions.md and docs/recipes.md, asked as it is printed: what comes has to be what stands below it. */
import { type ClickHouseClient, createClient } from '@clickhouse/client';
import { expect } from 'chai';
import { pino } from 'pino';
import { sessionTableRow } from '../../activities/load-batch.ts';
import { select } from '../../platform/clickhouse.ts';
import { applyMigrations, readMigrations } from '../../platform/migrate.ts';
import { migrateZones } from '../../platform/migrate-zones.ts';
import { loadZones } from '../../platform/zones.ts';
import { CLICKHOUSE_ADMIN, CLICKHOUSE_BI } from '../../servers/index.ts';
import { aRollup } from '../support/builders.ts';
import { printed, readSections } from '../support/doc-answers.ts';
import { KNOWN_SETTINGS, knownRows } from '../support/known-visits.ts';
import { useServers } from '../support/servers.ts';

/** The pages say `shop`; other tests have one of that name. */
const PROJECT = 'docs-shop';

const NO_SQL_NEEDED_MIN = 16;
const QUESTIONS = readSections('questions.md', 3);
const RECIPES = readSections('recipes.md', 2);

describe('the answers of the documentation', function () {
  this.timeout(120_000);
  const servers = useServers();
  let admin: ClickHouseClient;
  let analyst: ClickHouseClient;

  before(async () => {
    const { url } = servers().clickhouse;
    const { adminPassword, biPassword } = servers().secrets.clickhouse;
    admin = createClient({ url, username: CLICKHOUSE_ADMIN, password: adminPassword });
    analyst = createClient({ url, username: CLICKHOUSE_BI, password: biPassword });
    const log = pino({ level: 'silent' });
    await admin.command({ query: 'CREATE DATABASE IF NOT EXISTS sojourn' });
    await applyMigrations(admin, readMigrations(), log);
    await migrateZones(admin, loadZones(), Date.now(), log);
    const { timeZone: time_zone, currency, dimensions } = KNOWN_SETTINGS;
    await insert('projects', [{ project: PROJECT, time_zone, currency, dimensions, version: 1 }]);
    const { metrics, sessions } = knownRows(PROJECT);
    await insert('metrics', metrics);
    await insert('sessions', [...sessions, ...openSessions()]);
  });

  after(async () => {
    await admin.close();
    await analyst.close();
  });

  const insert = (table: string, values: readonly object[]) =>
    admin.insert({ table: `sojourn.${table}`, values, format: 'JSONEachRow' });

  for (const { heading, sql, table } of [...QUESTIONS, ...RECIPES].flatMap((one) => one.queries)) {
    it(`are what comes of the SQL: ${heading}: ${sql.split('\n')[0] ?? ''}`, async () => {
      const rows = await select<Record<string, unknown>>(
        analyst,
        sql.replaceAll(`'shop'`, `'${PROJECT}'`),
        {},
        { output_format_json_quote_decimals: 1 },
      );

      expect(rows).not.to.have.length(0);
      expect(printed(rows)).to.deep.equal(table);
    });
  }

  it('are there for twenty questions, most of them without own SQL', () => {
    const without = QUESTIONS.filter(({ label }) => label !== 'Own SQL');

    expect(QUESTIONS.map(({ heading }) => Number.parseInt(heading, 10))).to.deep.equal(
      Array.from({ length: 20 }, (_, index) => index + 1),
    );
    expect(without.length).to.be.at.least(NO_SQL_NEEDED_MIN);
    for (const { heading, queries } of without) expect(queries, heading).not.to.have.length(0);
  });

  it('need no more than columns of one view, and sums of them, where no own SQL is said to be needed', () => {
    const item = String.raw`(?:\w+|SUM\(\w+\)(?: / SUM\(\w+\))? AS \w+)`;
    const condition = String.raw`\w+ (?:=|<|>|<=|>=) '[^']*'`;
    const shape = new RegExp(
      `^SELECT ${item}(?:, ${item})* FROM sojourn\\.\\w+ WHERE project = 'shop'(?: AND ${condition})*` +
        '( GROUP BY [\\w, ]+)?(?: ORDER BY [\\w, ]+)?$',
    );
    for (const { label, heading, queries } of QUESTIONS) {
      for (const { sql } of queries) {
        const found = shape.exec(sql.replace(/\s+/g, ' '));
        expect(found, heading).not.to.equal(null);
        if (label === 'Plain') expect(sql, heading).not.to.match(/SUM|GROUP/);
      }
    }
  });

  it('are there for each recipe', () => {
    const recipes = RECIPES.filter(({ heading }) => heading !== 'What these tables do not tell');

    for (const { heading, queries } of recipes) expect(queries, heading).not.to.have.length(0);
  });
});

/** Two visitors who are here, one of them in two windows. */
function openSessions(): object[] {
  const now = new Date().toISOString().slice(0, 19).replace('T', ' ');
  return ['v-ada', 'v-ada', 'v-ben'].map((visitorId, n) => ({
    ...sessionTableRow(
      aRollup({ project: PROJECT, sessionId: `now-${n}`, identity: `ffffffffffff-${n}` }),
    ),
    state: 'open',
    visitor_id: visitorId,
    started_at: now,
    last_event_at: now,
    updated_at: now,
  }));
}
