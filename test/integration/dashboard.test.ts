/** The page's numbers against ClickHouse and against what was published; its doors; its news. */
import { request } from 'node:http';
import { expect } from 'chai';
import type { Chart, List, OneOverTime, Summary, Totals } from '../../dashboard/answers.ts';
import type { Now } from '../../dashboard/live.ts';
import { runDashboard } from '../../dashboard/run.ts';
import type { OneSession, SessionList } from '../../dashboard/sessions.ts';
import { loadConfig } from '../../platform/config.ts';
import { silentLog } from '../../platform/log.ts';
import {
  AHEAD_SECONDS,
  type DashboardWorld,
  DAYS,
  localDayOf,
  type ShopEvent,
  startDashboardWorld,
  ZONE,
} from '../support/dashboard-world.ts';
import { eventually } from '../support/eventually.ts';
import { environmentOf, sojourn } from '../support/pipeline.ts';
import { useServers } from '../support/servers.ts';

const PROJECT = 'page-numbers';
const RANGE = `from=${DAYS.from}&to=${DAYS.to}`;
/** The day in the middle: sessions come into it and go out of it across midnight. */
const MIDDLE = { from: '2026-03-10', to: '2026-03-10' };
const AUDIENCES = { people: 'NOT bot', bots: 'bot', everyone: '1' } as const;
type Audience = keyof typeof AUDIENCES;

describe('the page', function () {
  this.timeout(400_000);
  const servers = useServers();
  let world: DashboardWorld;

  before(async () => {
    world = await startDashboardWorld(servers(), PROJECT);
  });

  after(async () => {
    await world.stop();
  });

  const localDay = (column: string) => `toDate(toDateTime(${column}, 'UTC') + ${AHEAD_SECONDS})`;
  const within = (column: string, { from, to }: { from: string; to: string }) =>
    `${localDay(column)} BETWEEN '${from}' AND '${to}'`;

  /** Questions to the table alone, with the zone's offset written out. */
  async function fromSessions(select: string, where: string) {
    const [row] = await world.around.select<Record<string, number | string>>(
      `SELECT ${select} FROM sojourn.sessions FINAL WHERE project = '${PROJECT}' AND NOT excluded AND ${where}`,
    );
    return Object.fromEntries(
      Object.entries(row ?? {}).map(([name, value]) => [name, Number(value)]),
    );
  }

  const WHO = `if(visitor_id != '', visitor_id, session_id)`;

  /** Everything that a session says, by the day of its first event; rates by that of its last, or of its first. */
  async function expectedOf(
    audience: Audience,
    days: { from: string; to: string },
    by: 'event' | 'session',
    filter = '1',
  ) {
    const began = within('started_at', days);
    const ended = by === 'event' ? within('last_event_at', days) : began;
    const of = `${AUDIENCES[audience]} AND ${filter}`;
    const [all, bots, first, last] = await Promise.all([
      fromSessions(`uniqExact(${WHO}) AS n`, `${began} AND ${filter}`),
      fromSessions(`uniqExact(${WHO}) AS n`, `${began} AND bot AND ${filter}`),
      fromSessions(
        'count() AS sessions, sum(page_views) AS pages, sum(conversions) AS conversions',
        `${began} AND ${of}`,
      ),
      fromSessions(
        'count() AS ended, countIf(bounced) AS bounced, countIf(engaged) AS engaged, sum(duration_seconds) AS seconds',
        `${ended} AND ${of}`,
      ),
    ]);
    const visitors = {
      everyone: all['n'] ?? 0,
      bots: bots['n'] ?? 0,
      people: (all['n'] ?? 0) - (bots['n'] ?? 0),
    };
    const rate = (part = 0) => (last['ended'] === 0 ? null : part / (last['ended'] ?? 1));
    return {
      visitors: visitors[audience],
      sessions: first['sessions'] ?? 0,
      pageViews: first['pages'] ?? 0,
      conversions: first['conversions'] ?? 0,
      bounceRate: rate(last['bounced']),
      engagementRate: rate(last['engaged']),
      averageSeconds: rate(last['seconds']),
    };
  }

  const isBot = ({ properties }: ShopEvent) =>
    properties['userAgent']?.includes('Googlebot') ?? false;
  const fits = (audience: Audience, event: ShopEvent) =>
    audience === 'everyone' || isBot(event) === (audience === 'bots');

  /** What was published, by the day of the event. */
  function published(audience: Audience, { from, to }: { from: string; to: string }) {
    const events = world.events.filter((event) => {
      const day = localDayOf(event.timestamp);
      return day >= from && day <= to && fits(audience, event);
    });
    return {
      pageViews: events.filter(({ eventType }) => eventType === 'pageview').length,
      conversions: events.filter(({ eventType }) => eventType === 'purchase').length,
      revenue: purseOf(events),
    };
  }

  function purseOf(events: readonly ShopEvent[]): Record<string, number> {
    const purse: Record<string, number> = {};
    for (const { properties } of events) {
      const { revenue, currency } = properties;
      if (revenue !== undefined && currency !== undefined) {
        // In thousandths, which all amounts of the shop are whole numbers of.
        purse[currency] = (purse[currency] ?? 0) + Math.round(Number(revenue) * 1_000);
      }
    }
    return purse;
  }

  const purseIn = ({ revenue }: Pick<Totals, 'revenue'>) =>
    Object.fromEntries(
      revenue.map(({ currency, total }) => [currency, Math.round(Number(total) * 1_000)]),
    );

  const close = (a: number | null, b: number | null) => {
    if (a === null || b === null) expect(a).to.equal(b);
    else expect(a).to.be.closeTo(b, 1e-9);
  };

  function sameFigures(
    got: Omit<Totals, 'revenue'>,
    expected: Awaited<ReturnType<typeof expectedOf>>,
  ) {
    const { bounceRate, engagementRate, averageSeconds, ...counts } = expected;
    expect(got).to.deep.include(counts);
    close(got.bounceRate, bounceRate);
    close(got.engagementRate, engagementRate);
    close(got.averageSeconds, averageSeconds);
  }

  for (const audience of ['people', 'bots', 'everyone'] as const) {
    for (const [name, days] of Object.entries({
      'all days': DAYS,
      'the day in the middle': MIDDLE,
    })) {
      it(`says of ${audience} on ${name} what the tables and the events say`, async () => {
        const query = `from=${days.from}&to=${days.to}&audience=${audience}`;
        const summary = await world.json<Summary>('summary', query);

        const sessions = await expectedOf(audience, days, 'event');
        const { revenue, ...events } = published(audience, days);
        sameFigures(summary.totals, { ...sessions, ...events });
        expect(purseIn(summary.totals)).to.deep.equal(revenue);
        expect(summary).to.deep.include({ timeZone: ZONE, current: days, countedBy: 'overview' });
        expect(summary.totals.sessions).to.be.above(0);
      });

      it(`says of ${audience} on ${name} with a filter what the sessions say`, async () => {
        const query = `from=${days.from}&to=${days.to}&audience=${audience}&country=IN&country=DE&dim.plan=free`;
        const { totals, countedBy } = await world.json<Summary>('summary', query);

        const filter = `country IN ('IN', 'DE') AND dimensions['plan'] = 'free'`;
        sameFigures(totals, await expectedOf(audience, days, 'session', filter));
        expect(countedBy).to.equal('visits');
      });
    }
  }

  it('says the same with a filter that all sessions fit as without one, over all of their days', async () => {
    const [without, having] = await Promise.all([
      world.json<Summary>('summary', RANGE),
      world.json<Summary>('summary', `${RANGE}&language=en`),
    ]);

    expect(having.totals).to.deep.equal(without.totals);
  });

  it('differs with such a filter on one day by what is under way at its midnights, and by nothing else', async () => {
    const query = `from=${MIDDLE.from}&to=${MIDDLE.to}&audience=everyone`;
    const [without, having] = await Promise.all([
      world.json<Summary>('summary', query),
      world.json<Summary>('summary', `${query}&language=en`),
    ]);
    const dayOfSession = new Map<string, string>();
    for (const { sessionId, timestamp } of world.events) {
      if (!dayOfSession.has(sessionId)) dayOfSession.set(sessionId, localDayOf(timestamp));
    }
    const moved = world.events
      .filter(({ eventType }) => eventType === 'pageview')
      .map((event) => ({
        event: localDayOf(event.timestamp),
        session: dayOfSession.get(event.sessionId),
      }))
      .reduce(
        (sum, { event, session }) =>
          sum + Number(session === MIDDLE.from) - Number(event === MIDDLE.from),
        0,
      );

    expect(moved).not.to.equal(0);
    expect(having.totals.pageViews - without.totals.pageViews).to.equal(moved);
    expect(having.totals).to.include({
      sessions: without.totals.sessions,
      visitors: without.totals.visitors,
    });
  });

  it('adds people and bots up to everyone', async () => {
    const [people, bots, everyone] = await Promise.all(
      (['people', 'bots', 'everyone'] as const).map((audience) =>
        world.json<Summary>('summary', `${RANGE}&audience=${audience}`),
      ),
    );
    for (const measure of ['visitors', 'sessions', 'pageViews', 'conversions'] as const) {
      expect((people?.totals[measure] ?? 0) + (bots?.totals[measure] ?? 0), measure).to.equal(
        everyone?.totals[measure],
      );
    }
  });

  it('compares with the days before', async () => {
    const summary = await world.json<Summary>('summary', 'from=2026-03-11&to=2026-03-11');

    expect(summary.previous).to.deep.equal(MIDDLE);
    const before = await world.json<Summary>('summary', `from=${MIDDLE.from}&to=${MIDDLE.to}`);
    expect(summary.before).to.deep.equal(before.totals);
    expect((await world.json<Summary>('summary', `${RANGE}&compare=none`)).before).to.equal(null);
  });

  for (const filter of ['', '&country=DE']) {
    for (const unit of ['hour', 'day', 'week', 'month']) {
      it(`draws ${unit}s that add up to the totals${filter === '' ? '' : ', with a filter'}`, async () => {
        const [{ series, before }, { totals }] = await Promise.all([
          world.json<Chart>('chart', `${RANGE}&unit=${unit}${filter}`),
          world.json<Summary>('summary', `${RANGE}${filter}`),
        ]);
        const sum = (measure: 'sessions' | 'pageViews' | 'conversions' | 'visitors') =>
          series.points.reduce((all, point) => all + point[measure], 0);

        expect(series.points).to.have.length(series.buckets.length);
        expect(before?.points).to.have.length(
          unit === 'hour' ? 72 : (before?.buckets.length ?? -1),
        );
        expect(series.buckets).to.have.length({ hour: 72, day: 3, week: 1, month: 1 }[unit] ?? 0);
        for (const measure of ['sessions', 'pageViews', 'conversions'] as const) {
          expect(sum(measure), measure).to.equal(totals[measure]);
        }
        // Who comes twice is one visitor of the whole.
        expect(sum('visitors')).to.be.at.least(totals.visitors);
        expect(purseIn({ revenue: series.revenue })).to.deep.equal(purseIn(totals));
      });
    }
  }

  it('counts the visitors of each day, and hours by the half hour of the zone', async () => {
    const [days, hours] = await Promise.all([
      world.json<Chart>('chart', `${RANGE}&unit=day&audience=everyone`),
      world.json<Chart>('chart', `${RANGE}&unit=hour&audience=everyone&language=en`),
    ]);
    for (const [index, { key }] of days.series.buckets.entries()) {
      const { n } = await fromSessions(
        `uniqExact(${WHO}) AS n`,
        within('started_at', { from: key, to: key }),
      );
      expect(days.series.points[index]?.visitors, key).to.equal(n);
    }
    const expected = await world.around.select<{ hour: string; n: string }>(
      `SELECT formatDateTime(toStartOfHour(toDateTime(started_at, 'UTC') + ${AHEAD_SECONDS}), '%Y-%m-%d %H:%i') AS hour,
         toString(count()) AS n
       FROM sojourn.sessions FINAL WHERE project = '${PROJECT}' GROUP BY hour ORDER BY hour`,
    );
    const got = hours.series.buckets.flatMap(({ label }, index) => {
      const sessions = hours.series.points[index]?.sessions ?? 0;
      return sessions === 0 ? [] : [{ hour: label.slice(0, 16), n: `${sessions}` }];
    });
    expect(got).to.deep.equal(expected);
    expect(hours.series.buckets[0]?.label).to.equal('2026-03-09 00:00 +05:30');
  });

  const LISTS: Readonly<Record<string, string>> = {
    channel: `if(channel = '', 'Direct', channel)`,
    source: `if(traffic_source = '', 'Direct', traffic_source)`,
    campaign: `if(campaign = '', '(none)', campaign)`,
    entry: `if(entry_path = '', '(none)', entry_path)`,
    exit: `if(exit_path = '', '(none)', exit_path)`,
    country: `if(country = '', '(none)', country)`,
    device: `if(device_type = '', '(none)', device_type)`,
    browser: `if(browser = '', '(none)', browser)`,
    os: `if(os = '', '(none)', os)`,
    'dim.plan': `if(dimensions['plan'] = '', '(none)', dimensions['plan'])`,
  };
  for (const [list, expression] of Object.entries(LISTS)) {
    it(`lists ${list} as the table has it, and each row as a filter says the same`, async () => {
      const { items } = await world.json<List>(`list/${list}`, `${RANGE}&limit=100`);

      const expected = await world.around.select<{ name: string; count: string; visitors: string }>(
        `SELECT toString(${expression}) AS name, toString(countIf(NOT bot)) AS count,
           toString(uniqExact(${WHO}) - uniqExactIf(${WHO}, bot)) AS visitors
         FROM sojourn.sessions FINAL WHERE project = '${PROJECT}' AND ${within('started_at', DAYS)}
         GROUP BY name HAVING countIf(NOT bot) > 0 ORDER BY countIf(NOT bot) DESC, name`,
      );
      expect(
        items.map(({ name, count, visitors }) => ({
          name,
          count: `${count}`,
          visitors: `${visitors ?? ''}`,
        })),
      ).to.deep.equal(expected);
      const [first] = items;
      const { totals } = await world.json<Summary>(
        'summary',
        `${RANGE}&${list}=${encodeURIComponent(first?.name ?? '')}`,
      );
      expect(totals).to.include({
        sessions: first?.count,
        visitors: first?.visitors,
        conversions: first?.conversions,
        bounceRate: first?.bounceRate,
      });
    });
  }

  it('lists pages and events as they were published, and one of them over time', async () => {
    // By path, an hour that is partly of the next day is of the day it begins in.
    const range = RANGE.replace(DAYS.from, '2026-03-08');
    const people = world.events.filter((event) => fits('people', event));
    const tally = (names: readonly string[]) => {
      const counts = new Map<string, number>();
      for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
      return Object.fromEntries(counts);
    };
    const paths = people
      .filter(({ eventType }) => eventType === 'pageview')
      .map(({ properties }) => properties['path'] ?? new URL(properties['url'] ?? '').pathname);
    const types = people
      .map(({ eventType }) => eventType)
      .filter((type) => /purchase|cart/.test(type));
    const [pages, events] = await Promise.all(
      ['pages', 'events'].map((list) => world.json<List>(`list/${list}`, range)),
    );
    const asTally = (list: List | undefined) =>
      Object.fromEntries((list?.items ?? []).map(({ name, count }) => [name, count]));

    expect(asTally(pages)).to.deep.equal(tally(paths));
    expect(asTally(events)).to.deep.equal(tally(types));
    const { counts, buckets, before } = await world.json<OneOverTime>(
      'over-time',
      `${range}&of=pages&name=/sale`,
    );
    expect(counts.reduce((a, b) => a + b, 0)).to.equal(asTally(pages)['/sale']);
    // Of days of its own.
    expect(before?.buckets).to.have.length(before?.counts.length ?? NaN);
    expect(before?.buckets.map(({ key }) => key)).not.to.include(buckets[0]?.key);
    const refused = await world.get('list/pages', `${RANGE}&country=DE`);
    expect(refused.status).to.equal(400);
    expect(await refused.json())
      .to.have.property('error')
      .that.contains('remove the filters');
  });

  it('tells of sessions one by one, all of them, and of one what Temporal says', async () => {
    const seen: SessionList['sessions'][number][] = [];
    for (let next: string | null = ''; next !== null;) {
      const after: string = next === '' ? '' : `&after=${next}`;
      const answer: SessionList = await world.json(
        'sessions',
        `${RANGE}&audience=everyone${after}`,
      );
      seen.push(...answer.sessions);
      ({ next } = answer);
    }

    expect(seen.map(({ session_id }) => session_id)).to.have.members(
      Array.from({ length: 60 }, (_, n) => `s-${n}`),
    );
    const times = seen.map(({ started_ms }) => Number(started_ms));
    expect(times).to.deep.equal(times.toSorted((a, b) => b - a));
    const [one] = seen;
    const { session, live, temporalUrl } = await world.json<OneSession>(
      'session',
      `id=${one?.session_id ?? ''}`,
    );
    expect(session).to.deep.equal(one);
    expect(live).to.include({ status: 'ended', firstRunId: one?.first_run_id });
    expect(temporalUrl).to.match(
      /^http:\/\/temporal\.example\/namespaces\/.*workflows\/session%2F/,
    );
    expect((await world.get('session', 'id=nobody')).status).to.equal(404);
  });

  it('exports what is seen, as CSV and as Parquet', async () => {
    const read = async (file: string, query = '') => {
      const response = await world.get(`export/${file}`, `${RANGE}${query}`);
      expect(response.status).to.equal(200);
      return response;
    };
    const csv = await read('country.csv');
    const { items } = await world.json<List>('list/country', RANGE);
    const lines = (await csv.text()).trim().split('\n');

    expect(csv.headers.get('content-disposition')).to.contain('page-numbers-country-2026-03-09');
    expect(lines[0]).to.match(/^"name","visitors","sessions"/);
    expect(lines.slice(1).map((line) => line.split(',').slice(0, 3))).to.deep.equal(
      items.map(({ name, visitors, count }) => [`"${name}"`, `${visitors ?? ''}`, `${count}`]),
    );
    for (const file of ['chart', 'revenue', 'sessions', 'pages', 'events', 'channel']) {
      const parquet = Buffer.from(await (await read(`${file}.parquet`)).arrayBuffer());
      expect(parquet.subarray(0, 4).toString(), file).to.equal('PAR1');
      expect(parquet.subarray(-4).toString(), file).to.equal('PAR1');
    }
    const sessions = (await (await read('sessions.csv', '&audience=everyone&country=DE')).text())
      .trim()
      .split('\n');
    expect(sessions).to.have.length(1 + 20);
    expect((await read('chart.csv', '&unit=hour').then((r) => r.text())).split('\n')[1]).to.contain(
      '+05:30',
    );
    expect((await world.get('export/country.xls', RANGE)).status).to.equal(400);
  });

  it('binds what people choose: nobody gets more by it', async () => {
    const evil = encodeURIComponent(`DE') OR 1=1 --`);
    const { totals } = await world.json<Summary>('summary', `${RANGE}&country=${evil}`);

    expect(totals.sessions).to.equal(0);
    for (const query of [
      'unit=minute',
      'from=2026-13-01&to=2026-12-01',
      'dim.plan=',
      'audience=me',
    ]) {
      const response = await world.get('summary', query);
      expect(response.status, query).to.equal(400);
      expect(await response.json(), query).to.have.property('error');
    }
    expect((await world.get('list/password', RANGE)).status).to.equal(400);
  });

  it('pushes who is there now, with every change and its correction', async () => {
    const leaving = new AbortController();
    const response = await fetch(`${world.dashboard.url}/api/live?project=${PROJECT}`, {
      signal: leaving.signal,
    });
    expect(response.headers.get('content-type')).to.contain('text/event-stream');
    const told: Now[] = [];
    const reading = (async () => {
      let text = '';
      for await (const chunk of response.body ?? []) {
        text += Buffer.from(chunk as Uint8Array).toString();
        for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
          const data = /^data: (.*)$/m.exec(text.slice(0, end))?.[1];
          if (data !== undefined) told.push(JSON.parse(data) as Now);
          text = text.slice(end + 2);
        }
      }
    })().catch((error: unknown) => {
      if (!leaving.signal.aborted) throw error;
    });
    const latest = (check: (now: Now) => void) =>
      eventually(
        () => {
          const now = told.at(-1);
          if (now === undefined) throw new Error('nothing was told');
          check(now);
        },
        { withinMs: 60_000 },
      );

    await latest((now) => {
      expect(now).to.deep.include({ people: 0, isLive: true });
      expect(now.minutes).to.have.length(30);
    });
    const event = (sessionId: string, eventType: string) => ({
      sessionId,
      eventType,
      timestamp: Date.now(),
    });
    await world.around.publish(PROJECT, [event('live-1', 'pageview'), event('live-1', 'pageview')]);
    await world.around.publish(PROJECT, event('live-2', 'pageview'));
    await latest((now) => {
      expect(now).to.include({ people: 2, peopleLately: 2 });
      expect(now.changes).to.be.above(0);
      expect(now.minutes.reduce((sum, { people }) => sum + people, 0)).to.be.at.least(2);
    });
    // It ends, and is there no more.
    await world.around.publish(PROJECT, event('live-1', 'session_end'));
    await latest((now) => {
      expect(now).to.include({ people: 1, peopleLately: 2 });
    });
    // Who comes second is told at once.
    const second = await fetch(`${world.dashboard.url}/api/live?project=${PROJECT}`, {
      signal: leaving.signal,
    });
    expect(second.status).to.equal(200);
    const [chunk] = await Promise.all([second.body?.getReader().read()]);
    expect(Buffer.from(chunk?.value ?? []).toString()).to.contain('retry: ');
    leaving.abort();
    await reading;
    // No other test finds somebody there.
    await world.around.publish(PROJECT, event('live-2', 'session_end'));
  });

  it('answers to its own names only, and says to browsers what they may do', async () => {
    const response = await fetch(`${world.dashboard.url}/`);
    expect(response.headers.get('content-security-policy')).to.contain("default-src 'none'");
    expect(response.headers.get('content-security-policy')).not.to.contain('unsafe');
    expect(response.headers.get('x-frame-options')).to.equal('DENY');
    expect((await world.get('projects')).headers.get('cache-control')).to.equal('no-store');
    expect(await statusFor('evil.example')).to.equal(421);
    expect(await statusFor('localhost')).to.equal(200);
    for (const path of [
      '/../package.json',
      '/%2e%2e/tsconfig.json',
      '/server.ts',
      '/vendor/uplot/../../package.json',
    ]) {
      expect((await fetch(`${world.dashboard.url}${path}`)).status, path).to.equal(404);
    }

    function statusFor(host: string): Promise<number | undefined> {
      const url = new URL('/api/projects', world.dashboard.url);
      return new Promise((resolve, reject) => {
        request(url, { headers: { host } }, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        })
          .on('error', reject)
          .end();
      });
    }
  });

  it('wants a password where it has one, and takes no other', async () => {
    const password = 'correct horse battery';
    const config = loadConfig({ ...environmentOf(servers()), DASHBOARD_PASSWORD: password });
    const locked = await runDashboard(
      { ...config, CLICKHOUSE_URL: servers().clickhouse.url },
      silentLog,
      { port: 0, portFlag: '--port' },
    );
    const at = (path: string, init?: RequestInit) =>
      fetch(`${locked.url}${path}`, { redirect: 'manual', ...init });
    const logIn = (given: string) =>
      at('/login', {
        method: 'POST',
        body: new URLSearchParams({ password: given, next: '/?project=shop' }),
      });
    try {
      expect((await at('/api/projects')).status).to.equal(401);
      expect((await at('/?project=shop')).headers.get('location')).to.equal(
        '/login?next=%2F%3Fproject%3Dshop',
      );
      expect((await at('/login')).status).to.equal(200);
      expect((await logIn('wrong')).headers.get('location')).to.contain('wrong=1');
      const welcome = await logIn(password);
      expect(welcome.headers.get('location')).to.equal('/?project=shop');
      const cookie = welcome.headers.get('set-cookie') ?? '';
      expect(cookie)
        .to.match(/HttpOnly/)
        .and.match(/SameSite=Lax/);
      const [pair = ''] = cookie.split(';');
      expect((await at('/api/projects', { headers: { cookie: pair } })).status).to.equal(200);
      expect((await at('/api/projects', { headers: { cookie: `${pair}x` } })).status).to.equal(401);
      const foreign = { cookie: pair, 'sec-fetch-site': 'cross-site' };
      expect((await at('/api/projects', { headers: foreign })).status).to.equal(403);
      const tries = await Promise.all(Array.from({ length: 12 }, () => logIn('guess')));
      expect(tries.some(({ status }) => status === 429)).to.equal(true);
    } finally {
      await locked.close();
    }
  });

  it('names the flag where the port is taken, and what is missing where others could look', async () => {
    const { port } = new URL(world.dashboard.url);
    const environment = environmentOf(servers());
    const taken = await sojourn(['dashboard', '--port', port], environment);
    expect(taken.code).to.equal(1);
    expect(taken.stderr).to.contain(`port ${port} is in use`).and.to.contain('--port');

    const open = await sojourn(['dashboard', '--port', '0'], {
      ...environment,
      DASHBOARD_HOST: '0.0.0.0',
    });
    expect(open.code).to.equal(1);
    expect(open.stderr).to.contain('DASHBOARD_PASSWORD');
  });

  it('says what is wrong where ClickHouse is away', async () => {
    const config = loadConfig({
      ...environmentOf(servers()),
      CLICKHOUSE_URL: 'http://127.0.0.1:9',
    });
    const lonely = await runDashboard(
      { ...config, CLICKHOUSE_URL: 'http://127.0.0.1:9' },
      silentLog,
      { port: 0, portFlag: '--port' },
    );
    try {
      const response = await fetch(`${lonely.url}/api/summary?project=shop`);
      expect(response.status).to.equal(503);
      expect(await response.json())
        .to.have.property('error')
        .that.contains('ClickHouse does not answer');
      expect((await fetch(`${lonely.url}/`)).status).to.equal(200);
    } finally {
      await lonely.close();
    }
  });
});
