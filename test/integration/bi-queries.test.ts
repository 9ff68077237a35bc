/**
 * What people are told to ask: each statement of docs/bi.md, of docs/bi/ and of the Grafana dashboard, as the BI user, against
 * a ClickHouse that real events filled. A statement that finds nothing is as wrong as one that fails.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { parse } from 'yaml';
import {
  type Around,
  connectAround,
  environmentOf,
  type PipelineProcess,
  QUICK_SETTINGS,
  sojourn,
  startPipelineProcess,
} from '../support/pipeline.ts';
import { useServers } from '../support/servers.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const text = (path: string) => readFileSync(join(root, path), 'utf8');

/** Projects of this file's own, for those that the pages name. */
const OWN: Readonly<Record<string, string>> = { shop: 'bi-shop', kathmandu: 'bi-kathmandu' };
const EXAMPLE = 'examples/events/kathmandu.ndjson';
const DAY_MS = 86_400_000;

/** The statements of a page's SQL blocks. */
function statementsOf(path: string): string[] {
  return [...text(path).matchAll(/^```sql\n([\s\S]*?)^```/gm)]
    .flatMap(([, block = '']) => block.split(/;\s*$/m))
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

const asOwn = (statement: string) =>
  statement.replace(/'(shop|kathmandu)'/g, (_, name: string) => `'${OWN[name] ?? name}'`);

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly rawSql: string }[];
  readonly panels?: readonly Panel[];
}

/** Panels of the dashboard with their statements, folded ones too. */
function panelsOf(panels: readonly Panel[]): { title: string; rawSql: string }[] {
  return panels.flatMap(({ title, targets = [], panels: inner = [] }) => [
    ...targets.map(({ rawSql }) => ({ title, rawSql })),
    ...panelsOf(inner),
  ]);
}

const dashboard = JSON.parse(text('compose/grafana/dashboards/sojourn.json')) as {
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly { readonly query: { readonly rawSql: string } }[];
  };
};

/** A table of a dbt project's sources. */
interface Source {
  readonly name: string;
  readonly columns?: readonly { readonly name: string }[];
}

interface Range {
  readonly from: number;
  readonly to: number;
}

const last = (ms: number): Range => ({ from: Date.now() - ms, to: Date.now() });

/**
 * What Grafana's plug-in for ClickHouse makes of a panel's statement; its macros as of 4.20.0.
 * @throws where one is left that this does not know
 */
function asGrafanaSends(
  rawSql: string,
  { from, to }: Range,
  project: keyof typeof OWN = 'shop',
): string {
  const seconds = (at: number) => `toDateTime(${Math.floor(at / 1_000)})`;
  const sent = rawSql
    .replace(/\$__timeFilter\((\w+)\)/g, (_, column: string) => {
      return `${column} >= ${seconds(from)} AND ${column} <= ${seconds(to)}`;
    })
    .replaceAll('$__fromTime', seconds(from))
    .replaceAll('$__toTime', seconds(to))
    .replaceAll('${project:singlequote}', `'${OWN[project] ?? ''}'`);
  if (sent.includes('$')) throw new Error(`a macro is left in: ${sent}`);
  return sent;
}

/** A model of the dbt project as dbt sends it when its table is there. @param kept what the table has */
function asNextRun(model: string, kept: string): string {
  const sent = model
    .replace(/\{\{ config\([\s\S]*?\) \}\}/, '')
    .replace(/\{\{ source\('(\w+)', '(\w+)'\) \}\}/g, '$1.$2')
    .replaceAll('{{ this }}', kept)
    .replace(/\{% (?:if is_incremental\(\)|endif) %\}/g, '');
  if (/\{[{%]/.test(sent)) throw new Error(`a macro is left in: ${sent}`);
  return sent;
}

describe('queries for BI', function () {
  this.timeout(180_000);
  const servers = useServers();
  let pipeline: PipelineProcess;
  let around: Around;

  before(async () => {
    // Nothing ends by idleness here: somebody has to be there now.
    pipeline = await startPipelineProcess(servers(), {
      ...QUICK_SETTINGS,
      SESSION_IDLE_TIMEOUT: '10m',
    });
    around = await connectAround(servers());
    const zone = ['--time-zone', 'Asia/Kathmandu'];
    const settings = ['--currency', 'NPR', '--dimension', 'plan=properties.plan'];
    for (const project of Object.values(OWN)) {
      await run(['project', 'set', project, ...zone, ...settings]);
    }
    await run(['publish', EXAMPLE, '--project', OWN['kathmandu'] ?? '']);
    await run(['publish', '-', '--project', OWN['shop'] ?? ''], recentEvents(Date.now()));
    await run(['status', '--wait']);
  });

  after(async () => {
    await around.close();
    expect(await pipeline.stop()).to.equal(0);
  });

  async function run(words: string[], input?: string): Promise<void> {
    const { code, stderr } = await sojourn(words, environmentOf(servers()), input);
    expect(code, `${words.join(' ')}: ${stderr}`).to.equal(0);
  }

  for (const page of ['docs/bi.md', ...pagesOf('docs/bi')]) {
    const statements = statementsOf(page);
    if (statements.length === 0) continue;
    it(`find something, each of the ${statements.length} in ${page}`, async () => {
      for (const statement of statements) {
        const rows = await around.select(asOwn(statement));
        expect(rows.length, statement).to.be.above(0);
      }
    });
  }

  for (const { title, rawSql } of panelsOf(dashboard.panels)) {
    it(`draw the panel '${title}' of Grafana`, async () => {
      const rows = await around.select<Record<string, unknown>>(
        asGrafanaSends(rawSql, last(30 * DAY_MS)),
      );

      if (title === 'Rows that differ') expect(rows).to.deep.equal([]);
      else expect(rows.length, rawSql).to.be.above(0);
      if (title === 'Drift') expect(rows).to.deep.equal([{ drift: 0 }]);
      // A stat shows one number, and NULL is none.
      if (rows.length === 1) expect(Object.values(rows[0] ?? {}), rawSql).to.not.include(null);
    });
  }

  it('draw the panels of Grafana that go by the day for an hour too, which has no midnight', async () => {
    const wholeDays = panelsOf(dashboard.panels).filter(({ rawSql }) =>
      rawSql.includes("granularity = 'day'"),
    );
    expect(wholeDays).to.have.length(3);
    // Somebody with a user id was there a day ago.
    const { from, to } = last(DAY_MS);
    const hour = { from: from - 1_800_000, to: to - DAY_MS + 1_800_000 };
    for (const { title, rawSql } of wholeDays) {
      expect(title).to.contain('(whole days)');
      const rows = await around.select(asGrafanaSends(rawSql, hour));
      expect(rows.length, title).to.be.above(0);
    }
  });

  it('draw no day in the panels of Grafana that lies behind a range that has ended', async () => {
    const day: Range = { from: Date.UTC(2026, 2, 8), to: Date.UTC(2026, 2, 9) - 1 };
    const byTitle = new Map(panelsOf(dashboard.panels).map(({ title, rawSql }) => [title, rawSql]));
    const drawn = (title: string) =>
      around.select<{ time: string; sessions: string }>(
        asGrafanaSends(byTitle.get(title) ?? '', day, 'kathmandu'),
      );
    const [visits, ...others] = await drawn('Visitors and sessions by day');
    expect(others).to.deep.equal([]);
    expect(visits).to.include({ time: '2026-03-08' });
    const channels = await drawn('Channels');
    expect(channels.reduce((sum, { sessions }) => sum + Number(sessions), 0)).to.equal(
      Number(visits?.sessions),
    );
  });

  it('name the dimension where they add up metrics', () => {
    const asked = [
      ...['docs/bi.md', ...pagesOf('docs/bi')].flatMap(statementsOf),
      ...panelsOf(dashboard.panels).map(({ rawSql }) => rawSql),
    ].filter((statement) => /\b(?:FROM|JOIN) (?:sojourn\.)?metrics(?:_\w+)?\b/i.test(statement));
    expect(asked.length).to.be.above(10);
    for (const statement of asked) expect(statement).to.match(/\bdimension\b/);
  });

  it("fill Grafana's list of projects", async () => {
    for (const { query } of dashboard.templating.list) {
      const rows = await around.select<{ project: string }>(query.rawSql);
      expect(rows.map(({ project }) => project)).to.include.members(Object.values(OWN));
    }
  });

  it('read columns that there are, in the sources of the dbt project', async () => {
    const { sources } = parse(text('examples/dbt/models/sources.yml')) as {
      readonly sources: readonly { readonly tables: readonly Source[] }[];
    };
    for (const { name, columns = [] } of sources.flatMap(({ tables }) => tables)) {
      const found = await around.select<{ name: string }>(
        `SELECT column_name AS name FROM information_schema.columns
         WHERE table_schema = 'sojourn' AND table_name = '${name}'`,
      );
      expect(found.length, name).to.be.above(0);
      expect(
        found.map((column) => column.name),
        name,
      ).to.include.members(columns.map((column) => column.name));
    }
  });

  it('bring the incremental model of the dbt project up to date, with what was taken back and what it has never had', async () => {
    const [shop, kathmandu] = [OWN['shop'] ?? '', OWN['kathmandu'] ?? ''];
    const columns = 'project, day, currency, revenue, payments';
    const ofShop = `FROM sojourn.revenue_daily WHERE project = '${shop}'`;
    const kept = `(SELECT ${columns} ${ofShop}
      UNION ALL SELECT '${shop}', max(day) - 1, 'GONE', toDecimal128(5, 9), toInt64(1) ${ofShop}
      UNION ALL SELECT '${shop}', max(day) - 6, 'OLD', toDecimal128(5, 9), toInt64(1) ${ofShop})`;
    const shown = (from: string) => `SELECT project, toString(day) AS day, currency,
        toDecimalString(revenue, 9) AS revenue, toString(payments) AS payments
      FROM (${from}) WHERE project IN ('${shop}', '${kathmandu}') ORDER BY ALL`;

    const made = await around.select<{ currency: string }>(
      shown(asNextRun(text('examples/dbt/models/revenue_kept.sql'), kept)),
    );
    const isOf = (one: { currency: string }) => !['GONE', 'OLD'].includes(one.currency);
    const expected = await around.select(
      shown(`SELECT ${columns} FROM sojourn.revenue_daily
        WHERE project = '${kathmandu}' OR day >= (SELECT max(day) - 5 ${ofShop})`),
    );
    expect(expected.length).to.be.above(5);
    expect(made.filter(isOf)).to.deep.equal(expected);
    const others = made.filter((one) => !isOf(one));
    expect(others).to.have.length(1);
    expect(others[0]).to.include({ currency: 'GONE', revenue: '0.000000000', payments: '0' });
  });

  it('give the numbers that the page on tools prints', async () => {
    const printed = [
      ...text('docs/bi/README.md').matchAll(
        /^(day|week from \w+) (\S+): sessions (\d+), page views (\d+), visitors (\d+), revenue (\S+)$/gm,
      ),
    ];
    expect(printed).to.have.length(3);
    for (const [, period = '', begin, ...numbers] of printed) {
      const view = period === 'day' ? 'daily' : period.replace('week from ', 'weekly_');
      const [row] = await around.select<Record<string, string>>(
        `SELECT toString(sessions) AS s, toString(page_views) AS p, toString(visitors) AS v,
           toDecimalString(revenue, 9) AS r
         FROM overview_${view}
         WHERE project = '${OWN['kathmandu'] ?? ''}' AND ${period === 'day' ? 'day' : 'week'} = '${begin ?? ''}'`,
      );
      expect([row?.['s'], row?.['p'], row?.['v'], row?.['r']], period).to.deep.equal(numbers);
    }
  });
});

function pagesOf(folder: string): string[] {
  return readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name}`);
}

/** The example's events as if its last day were yesterday, and the visitors that pages ask for by name, one here now. */
function recentEvents(now: number): string {
  const events = text(EXAMPLE)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { timestamp: string });
  const last = Math.max(...events.map(({ timestamp }) => Date.parse(timestamp)));
  const moved = events.map((event) => ({
    ...event,
    timestamp: Date.parse(event.timestamp) - last + now - DAY_MS,
  }));
  const properties = { path: '/', campaign: 'spring', browser: 'Firefox', os: 'Linux' };
  const named = [
    { sessionId: 'named-1', timestamp: now - 3 * DAY_MS, userId: 'u-named' },
    { sessionId: 'named-2', timestamp: now - DAY_MS, userId: 'u-named' },
    { sessionId: 'named-3', timestamp: now - 3_600_000 },
    { sessionId: 'named-4', timestamp: now - 1_000 },
  ].map((event) => ({ eventType: 'pageview', visitorId: 'visitor-17', properties, ...event }));
  return [...moved, ...named].map((event) => JSON.stringify(event)).join('\n');
}
