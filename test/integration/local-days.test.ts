/**
 * The overviews in the days of a project's time zone, on a real ClickHouse: visits around clock changes, written as the loader
 * writes them, against a naive count that knows only when each local day begins.
 */
import { type ClickHouseClient, type ClickHouseSettings, createClient } from '@clickhouse/client';
import { expect } from 'chai';
import { pino } from 'pino';
import { metricTableRows, sessionTableRow } from '../../activities/load-batch.ts';
import { select } from '../../platform/clickhouse.ts';
import { applyMigrations, readMigrations } from '../../platform/migrate.ts';
import { migrateZones } from '../../platform/migrate-zones.ts';
import { loadZones } from '../../platform/zones.ts';
import { CLICKHOUSE_ADMIN } from '../../servers/index.ts';
import { catalogueOf } from '../../shared/catalogue.ts';
import { addAll, type Contributions } from '../../shared/contributions.ts';
import { declaredAs, type VisitorEvent } from '../../shared/event.ts';
import { createDayTurned } from '../../shared/zones/index.ts';
import { applyEvents, emptySession, factsOf, sessionRows } from '../../shared/session.ts';
import { aRollup, asReference } from '../support/builders.ts';
import {
  COLUMNS,
  type DayOf,
  dayOfStarts,
  hourOfOffsets,
  MONDAY,
  naiveOverview,
  type NaiveRow,
  type NaiveVisit,
  readDayStarts,
  readEvent,
  SUNDAY,
  visitorOf,
  weekOf,
} from '../support/naive-days.ts';
import { chance, intBetween, pick, type Random, randomOf } from '../support/random.ts';
import { referenceSession, unitsOf } from '../support/reference.ts';
import { useServers } from '../support/servers.ts';

const SEED = 20_261_128;
const VISITS = 150;
const HOUR_MS = 3_600_000;

/** Whole, half and quarter hours, east and west; days of 23, 23.5, 24.5 and 25 hours, and such as begin at 01:00. */
const ZONES = [
  ...['UTC', 'Europe/Berlin', 'America/Vancouver', 'America/Nuuk', 'America/Asuncion'],
  ...['Africa/Cairo', 'Asia/Beirut', 'America/Havana', 'Asia/Kolkata', 'Asia/Kathmandu'],
  ...['America/St_Johns', 'Australia/Lord_Howe', 'Pacific/Chatham'],
];

/** All views are made of the same days: in these the many that split by an attribute are tried. */
const SPLIT_IN = new Set([
  'Europe/Berlin',
  'America/Havana',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
]);
const isSplit = ({ zone }: Tenant) => SPLIT_IN.has(zone);

const zones = loadZones();
const dayTurned = createDayTurned(zones);
const dayStarts = readDayStarts();

interface Tenant {
  readonly project: string;
  readonly zone: string;
  readonly visits: readonly NaiveVisit[];
  readonly dayOf: DayOf;
}

describe('overviews in local days', function () {
  this.timeout(240_000);
  const servers = useServers();
  const tenants: Tenant[] = [];
  let admin: ClickHouseClient;

  before(async () => {
    admin = createClient({
      url: servers().clickhouse.url,
      username: CLICKHOUSE_ADMIN,
      password: servers().secrets.clickhouse.adminPassword,
    });
    const log = pino({ level: 'silent' });
    await admin.command({ query: 'CREATE DATABASE IF NOT EXISTS sojourn' });
    await applyMigrations(admin, readMigrations(), log);
    await migrateZones(admin, zones, Date.now(), log);
    const random = randomOf(SEED);
    for (const zone of ZONES) tenants.push(await visited(zone, random));
  });

  after(async () => {
    await admin.close();
  });

  const insert = (table: string, values: readonly object[]) =>
    admin.insert({ table: `sojourn.${table}`, values, format: 'JSONEachRow' });

  /** All rows of a view for a project; whole numbers and money as text. */
  const read = (view: string, project: string, settings: ClickHouseSettings = {}) =>
    select<Cells>(
      admin,
      `SELECT * FROM sojourn.${view} WHERE project = {project: String} ORDER BY ALL`,
      { project },
      {
        output_format_json_quote_decimals: 1,
        output_format_json_quote_64bit_integers: 1,
        ...settings,
      },
    );

  async function visited(zone: string, random: Random): Promise<Tenant> {
    const project = `days-${zone.toLowerCase().replace('/', '-')}`;
    const dimensions = { plan: 'plan', tier: 'tier', unseen: 'unseen' };
    await insert('projects', [{ project, time_zone: zone, dimensions, version: 1 }]);
    const starts = dayStarts.get(zone) ?? [];
    const visits: NaiveVisit[] = [];
    const sums: Contributions = new Map();
    const sessions: object[] = [];
    for (let n = 0; n < VISITS; n += 1) {
      const events = eventsOf(random, startOf(random, starts)).map((event) =>
        dayTurned(zone, event.at) ? { ...event, dayTurned: 'true' } : event,
      );
      const state = emptySession();
      addAll(sums, applyEvents(state, events));
      const isNew = state.attributes.has('userId') ? chance(random, 0.5) : undefined;
      const facts = factsOf(state, isNew);
      if (facts === undefined) throw new Error('a session has events');
      addAll(sums, sessionRows(facts));
      const sessionId = `s-${n}`;
      const identity = `${facts.firstEventAt.toString(16).padStart(12, '0')}-${n}`;
      const row = { ...facts, status: 'ended', updatedAt: facts.lastEventAt } as const;
      const record = aRollup({ project, sessionId, identity, writeNo: 2, session: row });
      // What it wrote before is there too, and one in ten was taken out of the numbers.
      sessions.push({ ...sessionTableRow({ ...record, writeNo: 1 }), page_views: 99 });
      sessions.push(sessionTableRow(record));
      sessions.push({ ...sessionTableRow(record), session_id: `x-${n}`, excluded: true });
      const reference = events.map((event) => asReference(project, sessionId, event));
      visits.push({
        id: identity,
        events: reference,
        session: referenceSession(reference),
        isNew,
      });
    }
    await insert('metrics', metricTableRows(project, sums));
    await insert('sessions', sessions);
    return { project, zone, visits, dayOf: dayOfStarts(starts) };
  }

  it('are made of visits with events in hours of two days, where there are such', () => {
    const halves = tenants.filter(({ visits }) =>
      visits.some(({ events }) => events.some((event) => event.dayTurned === true)),
    );

    expect(halves.map(({ zone }) => zone)).to.have.members([
      ...['Asia/Kolkata', 'Asia/Kathmandu', 'America/St_Johns'],
      ...['Australia/Lord_Howe', 'Pacific/Chatham'],
    ]);
  });

  const overviews: readonly [view: string, key: string, of: (tenant: Tenant) => DayOf][] = [
    ['overview_hourly', 'hour', ({ zone }) => hoursOf(zone)],
    ['overview_daily', 'day', ({ dayOf }) => dayOf],
    [
      'overview_weekly_monday',
      'week',
      ({ dayOf }) =>
        (at) =>
          weekOf(dayOf(at), MONDAY),
    ],
    [
      'overview_weekly_sunday',
      'week',
      ({ dayOf }) =>
        (at) =>
          weekOf(dayOf(at), SUNDAY),
    ],
    [
      'overview_monthly',
      'month',
      ({ dayOf }) =>
        (at) =>
          `${dayOf(at).slice(0, 7)}-01`,
    ],
  ];
  for (const [view, key, of] of overviews) {
    it(`are in every column what a naive count gives: ${view}`, async () => {
      for (const tenant of tenants) {
        const expected = naiveOverview(tenant.visits, of(tenant));
        const rows = await read(view, tenant.project);

        expect(rows.length, tenant.zone).to.be.above(1);
        expect(rowsBy(key, rows), tenant.zone).to.deep.equal(filled(expected));
        for (const row of rows) checkRates(row, 'sessions_by_last_event', 'session_page_views');
      }
    });
  }

  it('are the same without sessions being read, in the columns that need none: totals_daily', async () => {
    for (const { project, zone, visits, dayOf } of tenants) {
      const counted = /visitors|_users|converted/;
      const inTotals = (row: NaiveRow) =>
        Object.fromEntries(Object.entries(row).filter(([name]) => !counted.test(name)));
      const expected = mapped(naiveOverview(visits, dayOf), inTotals);
      const rows = await read('totals_daily', project);

      expect(mapped(rowsBy('day', rows), inTotals), zone).to.deep.equal(
        mapped(filled(expected), inTotals),
      );
      for (const row of rows) {
        checkRates(
          { ...row, sessions: '0', conversion_rate: null },
          'sessions_by_last_event',
          'session_page_views',
        );
      }
    }
  });

  it('tell an hour as an instant, and beside it what clocks showed', async () => {
    for (const { project, zone } of tenants) {
      for (const row of await read('overview_hourly', project)) {
        const { hour, local_hour, day, weekday, hour_of_day } = row;
        const at = instantOf(String(hour));
        const offsetMinutes = zones.offsetAt(zone, at) / 60;
        const shown = new Date(at + offsetMinutes * 60_000).toISOString();
        const sign = offsetMinutes < 0 ? '-' : '+';
        const offset = new Date(Math.abs(offsetMinutes) * 60_000).toISOString().slice(11, 16);

        expect(local_hour).to.equal(
          `${shown.slice(0, 10)} ${shown.slice(11, 16)} ${sign}${offset}`,
        );
        expect([day, hour_of_day, Number(weekday) % 7], shown).to.deep.equal([
          shown.slice(0, 10),
          Number(shown.slice(11, 13)),
          new Date(shown).getUTCDay(),
        ]);
      }
    }
  });

  const splits: readonly [view: string, column: string, of: (visit: NaiveVisit) => string][] = [
    ['channels_daily', 'channel', named('channel', 'Direct')],
    ['sources_daily', 'source', named('trafficSource', 'Direct')],
    ['campaigns_daily', 'campaign', named('campaign', '(none)')],
    ['devices_daily', 'device', named('deviceType', '(none)')],
    ['countries_daily', 'country', named('country', '(none)')],
    ['browsers_daily', 'browser', named('browser', '(none)')],
    ['systems_daily', 'os', named('os', '(none)')],
    ['entry_pages_daily', 'path', ({ session }) => session.entryPath ?? '(none)'],
    ['mediums_daily', 'medium', named('medium', '(none)')],
    ['referrers_daily', 'referrer', named('referrerHost', '(none)')],
    ['languages_daily', 'language', named('language', '(none)')],
    ['screens_daily', 'screen', named('screen', '(none)')],
    ['app_versions_daily', 'app_version', named('appVersion', '(none)')],
    [
      'user_types_daily',
      'user_type',
      ({ isNew }) => (isNew === undefined ? '(none)' : isNew ? 'New' : 'Returning'),
    ],
  ];
  for (const [view, column, of] of splits) {
    it(`are split by attributes of sessions, and the parts are the total: ${view}`, async () => {
      for (const { project, zone, visits, dayOf } of tenants.filter(isSplit)) {
        const expected = groups(visits, (v) => `${dayOf(v.session.firstEventAt)} ${of(v)}`);
        const rows = await read(view, project);

        const found = rows.map((row) => [`${String(row['day'])} ${String(row[column])}`, row]);
        expect(found.map(([key]) => key).sort(), zone).to.deep.equal([...expected.keys()].sort());
        for (const [key, row] of found as [string, Record<string, string>][]) {
          expect(splitCells(row), `${zone} ${key}`).to.deep.equal(splitOf(expected.get(key) ?? []));
          checkRates(row, 'sessions', 'page_views');
        }
        expect(rows.reduce((sum, row) => sum + Number(row['sessions']), 0)).to.equal(VISITS);
      }
    });
  }

  it('are split by each declared dimension, and the parts of each are the total', async () => {
    for (const { project, zone, visits, dayOf } of tenants) {
      const rows = await read('dimensions_daily', project);
      for (const dimension of ['plan', 'tier', 'unseen']) {
        const of = named(`dim:${dimension}`, '(none)');
        const expected = groups(visits, (v) => `${dayOf(v.session.firstEventAt)} ${of(v)}`);

        const found = rows.filter((row) => row['dimension'] === dimension);
        expect(found.length, zone).to.equal(expected.size);
        for (const row of found as Record<string, string>[]) {
          const key = `${String(row['day'])} ${String(row['dimension_value'])}`;
          expect(splitCells(row), `${zone} ${key}`).to.deep.equal(splitOf(expected.get(key) ?? []));
          checkRates(row, 'sessions', 'page_views');
        }
      }
    }
  });

  it('have events by the dimensions that they bring, and conversions by type, to the quarter of an hour', async () => {
    for (const { project, zone, visits, dayOf } of tenants) {
      const events = visits.flatMap((visit) =>
        visit.events.map((event) => ({ declared: event.declared ?? {}, ...readEvent(event) })),
      );
      const counted = events.filter(({ isView, isCounted }) => isView || isCounted);
      const brought = counted.flatMap((event) =>
        Object.entries(event.declared).map(([name, value]) => ({ ...event, name, value })),
      );
      const byValue = groups(brought, (e) => `${dayOf(e.at)} ${e.name} ${e.value}`);
      const ofBots = (own: readonly { readonly isOfBot: boolean }[]) =>
        own.filter(({ isOfBot }) => isOfBot).length;

      const values = await read('event_dimensions_daily', project);
      const cells = values.map((row) => ({
        ...row,
        value: `${String(row['dimension'])} ${String(row['dimension_value'])}`,
      }));
      expect(
        cellsBy(cells, 'value', 'page_views', 'events', 'bot_page_views', 'bot_events'),
        zone,
      ).to.deep.equal(
        mapped(byValue, (own) => {
          const [views, others] = [own.filter((e) => e.isView), own.filter((e) => e.isCounted)];
          return [views.length, others.length, ofBots(views), ofBots(others)].join(' ');
        }),
      );

      const converted = events.filter(({ isConversion }) => isConversion);
      const byType = groups(converted, (e) => `${dayOf(e.at)} ${e.conversionType || '(none)'}`);
      const types = await read('conversions_daily', project);
      expect(cellsBy(types, 'conversion_type', 'conversions', 'bot_conversions')).to.deep.equal(
        mapped(byType, (own) => `${own.length} ${ofBots(own)}`),
      );
    }
  });

  it('have revenue by source and currency, of which the parts are what the visits brought', async () => {
    for (const { project, zone, visits, dayOf } of tenants) {
      const paid = visits.flatMap((visit) =>
        Object.entries(visit.session.purse).map(([currency, units]) => ({
          key: [
            dayOf(visit.session.firstEventAt),
            ...REVENUE_PLACES.map(([name, missing]) => named(name, missing)(visit)),
            currency || '(none)',
          ].join(' '),
          units,
        })),
      );
      const expected = groups(paid, ({ key }) => key);

      const rows = await read('revenue_sources_daily', project);
      const keys = ['day', 'channel', 'source', 'medium', 'campaign', 'currency'];
      const found = rows.map((row): [string, string] => [
        keys.map((name) => String(row[name])).join(' '),
        `${unitsOf(String(row['revenue']))} ${String(row['paying_sessions'])}`,
      ]);
      expect(sorted(found), zone).to.deep.equal(
        mapped(
          expected,
          (own) => `${own.reduce((sum, { units }) => sum + units, 0n)} ${own.length}`,
        ),
      );
    }
  });

  it('take revenue of which no currency was kept for one without', async () => {
    const project = 'days-purse';
    const row = sessionTableRow(aRollup({ project }));
    await insert('sessions', [
      { ...row, converted: true, revenue: '30', revenue_by_currency: { EUR: '10.5' } },
    ]);

    const rows = await read('revenue_sources_daily', project);
    expect(cellsBy(rows, 'currency', 'revenue', 'paying_sessions')).to.deep.equal(
      new Map([
        ['2024-03-05 (none)', '19.5 1'],
        ['2024-03-05 EUR', '10.5 1'],
      ]),
    );
  });

  it('have page views by path, to the quarter of an hour, and entries and exits', async () => {
    for (const { project, zone, visits, dayOf } of tenants) {
      const expected = new Map<string, number[]>();
      const add = (at: number, path: string | undefined, place: number) => {
        if (path === undefined || path === '') return;
        const cells = expected.get(`${dayOf(at)} ${path}`) ?? [0, 0, 0, 0];
        cells[place] = (cells[place] ?? 0) + 1;
        expected.set(`${dayOf(at)} ${path}`, cells);
      };
      for (const { events, session } of visits) {
        add(session.firstEventAt, session.entryPath, 2);
        add(session.lastEventAt, session.exitPath, 3);
        for (const { at, isView, isOfBot, path } of events.map(readEvent)) {
          if (isView) add(at, path, 0);
          if (isView && isOfBot) add(at, path, 1);
        }
      }

      const rows = await read('pages_daily', project);
      const found = rows.map((row): [string, number[]] => [
        `${String(row['day'])} ${String(row['path'])}`,
        ['page_views', 'bot_page_views', 'entries', 'exits'].map((name) => Number(row[name])),
      ]);
      expect(new Map(found), zone).to.deep.equal(expected);
    }
  });

  it('have events by type and revenue by currency, to the quarter of an hour', async () => {
    for (const { project, zone, visits, dayOf } of tenants) {
      const events = visits.flatMap((visit) =>
        visit.events.map((event) => ({ type: event.eventType, ...readEvent(event) })),
      );
      const counted = events.filter(({ isCounted }) => isCounted);
      const byType = groups(counted, ({ at, type }) => `${dayOf(at)} ${type}`);
      const paid = events.filter((e) => e.isConversion && e.revenue !== 0n);
      const byCurrency = groups(paid, (e) => `${dayOf(e.at)} ${e.currency || '(none)'}`);

      const types = await read('events_daily', project);
      expect(cellsBy(types, 'event_type', 'events', 'bot_events'), zone).to.deep.equal(
        mapped(byType, (own) => `${own.length} ${own.filter((e) => e.isOfBot).length}`),
      );
      const money = await read('revenue_daily', project);
      const sum = (own: typeof paid) => own.reduce((all, { revenue }) => all + revenue, 0n);
      expect(
        mapped(
          cellsBy(money, 'currency', 'revenue', 'payments', 'bot_revenue', 'bot_payments'),
          (cells) => {
            const [revenue = '', payments = '', ofBots = '', paymentsOfBots = ''] =
              cells.split(' ');
            return `${unitsOf(revenue)} ${payments} ${unitsOf(ofBots)} ${paymentsOfBots}`;
          },
        ),
        zone,
      ).to.deep.equal(
        mapped(byCurrency, (own) => {
          const ofBots = own.filter((e) => e.isOfBot);
          return `${sum(own)} ${own.length} ${sum(ofBots)} ${ofBots.length}`;
        }),
      );
    }
  });

  it('have visits, each with who it was and the days it began and ended', async () => {
    for (const { project, zone, visits, dayOf } of tenants) {
      const rows = await read('visits', project);

      expect(
        rows
          .map((row) => [row['visitor'], row['day'], row['last_day'], row['page_views']].join(' '))
          .sort(),
        zone,
      ).to.deep.equal(
        visits
          .map((visit) => {
            const { firstEventAt, lastEventAt, pageViews } = visit.session;
            return `${visitorOf(visit)} ${dayOf(firstEventAt)} ${dayOf(lastEventAt)} ${pageViews}`;
          })
          .sort(),
      );
    }
  });

  it('are the same for whoever asks, whatever the tool sets', async () => {
    const ways: ClickHouseSettings[] = [
      { session_timezone: 'America/St_Johns' },
      { join_use_nulls: 1, group_by_use_nulls: 1 },
      { prefer_column_name_to_alias: 1 },
    ];
    const views = [
      ...['visits', 'pages_daily', 'revenue_daily', 'channels_daily', 'conversions_daily'],
      ...['dimensions_daily', 'event_dimensions_daily', 'revenue_sources_daily'],
      ...['user_types_daily', 'totals_daily'],
    ];
    for (const view of [...overviews.map(([name]) => name), ...views]) {
      // Of quarters of an hour, and of whole ones, which other rows tell of.
      for (const project of ['days-asia-kathmandu', 'days-europe-berlin']) {
        const rows = await read(view, project);
        for (const settings of ways) {
          expect(await read(view, project, settings), view).to.deep.equal(rows);
        }
      }
    }
  });

  it('count a visitor who is here with two sessions once', async () => {
    const project = 'days-now';
    const now = Date.now();
    const textOf = (ms: number) => new Date(ms).toISOString().slice(0, 19).replace('T', ' ');
    const open = (n: number, fields: object) => ({
      ...sessionTableRow(aRollup({ project, sessionId: `s-${n}`, identity: `run-${n}` })),
      state: 'open',
      updated_at: textOf(now),
      ...fields,
    });
    await insert('sessions', [
      open(1, { visitor_id: 'v-1' }),
      open(2, { visitor_id: 'v-1' }),
      open(3, { visitor_id: 'v-2', bot: true }),
      open(4, {}),
      open(5, { visitor_id: 'v-3', updated_at: textOf(now - 600_000) }),
      open(6, { visitor_id: 'v-4', state: 'ended' }),
    ]);

    expect(await read('visitors_now', project)).to.deep.equal([
      { project, visitors: '3', bot_visitors: '1' },
    ]);
  });

  it('take the hours of sessions that began before quarters of an hour were kept', async () => {
    const project = 'days-before';
    await insert('projects', [{ project, time_zone: 'America/New_York', version: 1 }]);
    const at = Date.UTC(2026, 6, 1, 3, 50);
    const state = emptySession(true, catalogueOf(1));
    const rows = applyEvents(state, [{ id: 'a', type: 'pageview', at, seq: 1, path: '/' }]);
    await insert('metrics', metricTableRows(project, rows));

    const [row, ...more] = await read('overview_daily', project);
    expect(more).to.deep.equal([]);
    expect(row).to.include({
      day: '2026-06-30',
      page_views: '1',
      sessions: '0',
      bounce_rate: null,
    });
  });
});

/** Most of them around the starts of days that are not like others, some around any. */
function startOf(random: Random, starts: readonly number[]): number {
  const unlike = starts.filter((start, index) => {
    const length = (starts[index + 1] ?? start) - start;
    return index > 3 && length > 0 && length !== 24 * HOUR_MS;
  });
  const some = [...unlike.slice(0, 3), starts[500] ?? 0, starts[501] ?? 0, starts[650] ?? 0];
  return pick(random, some) + intBetween(random, -30 * 60, 30 * 60) * 60_000;
}

const PATHS = ['/', '/a', '/b', ''];

/** What revenue is split by, and what stands where nothing is given. */
const REVENUE_PLACES = [
  ['channel', 'Direct'],
  ['trafficSource', 'Direct'],
  ['medium', '(none)'],
  ['campaign', '(none)'],
] as const;

function eventsOf(random: Random, start: number): VisitorEvent[] {
  const who = {
    ...(chance(random, 0.5) && { visitorId: `v-${intBetween(random, 1, 40)}` }),
    ...(chance(random, 0.4) && { userId: `u-${intBetween(random, 1, 30)}` }),
    ...(chance(random, 0.6) && { channel: pick(random, ['Email', 'Paid Search']) }),
    ...(chance(random, 0.6) && { trafficSource: pick(random, ['news', 'ads']) }),
    ...(chance(random, 0.3) && { campaign: 'spring' }),
    ...(chance(random, 0.5) && { deviceType: 'mobile', os: 'Android', browser: 'Chrome' }),
    ...(chance(random, 0.5) && { country: 'DE' }),
    ...(chance(random, 0.15) && { bot: 'true' }),
    ...(chance(random, 0.4) && { medium: pick(random, ['cpc', 'email']), language: 'de-DE' }),
    ...(chance(random, 0.4) && { referrerHost: 'news.example', screen: '390x844' }),
    ...(chance(random, 0.4) && { appVersion: pick(random, ['1.0', '1.1']) }),
    ...(chance(random, 0.5) && { [declaredAs('tier')]: pick(random, ['gold', 'silver']) }),
  };
  // A few visits go over hours, past midnight and a change of the clock.
  const step = pick(random, [1_000, 60_000, 20 * 60_000, 3 * HOUR_MS]);
  let at = start + intBetween(random, 0, 59_999);
  return Array.from({ length: intBetween(random, 1, 6) }, (_, index): VisitorEvent => {
    if (index > 0) at += intBetween(random, 0, step);
    const type = pick(random, [
      'pageview',
      'pageview',
      'pageview',
      'signup',
      'purchase',
      'heartbeat',
    ]);
    const path = pick(random, PATHS);
    return {
      id: `e-${index}`,
      type,
      at,
      seq: index + 1,
      ...who,
      ...(type === 'pageview' && path !== '' && { path }),
      ...(type === 'purchase' && { revenue: pick(random, ['19.99', '-5', '0', '0.000000001']) }),
      ...(type === 'purchase' && chance(random, 0.7) && { currency: pick(random, ['EUR', 'USD']) }),
      ...(type === 'purchase' && chance(random, 0.4) && { conversionType: 'trial' }),
      ...(chance(random, 0.3) && { [declaredAs('plan')]: pick(random, ['free', 'pro']) }),
    };
  });
}

function hoursOf(zone: string): DayOf {
  const hourOf = hourOfOffsets((at) => zones.offsetAt(zone, at));
  return (at) => new Date(hourOf(at)).toISOString().slice(0, 19).replace('T', ' ');
}

const instantOf = (text: string) => Date.parse(`${text.replace(' ', 'T')}Z`);

const ALL_COLUMNS = COLUMNS.flatMap((name) =>
  /_users$/.test(name) ? [name] : [name, `bot_${name}`],
);

type Cells = Record<string, string | number | boolean | null>;

/** Rows as the naive count has them; what is 0 in all columns was taken back, and is as good as absent. */
function rowsBy(key: string, rows: readonly Cells[]): Map<string, NaiveRow> {
  const found = rows.map((row): [string, NaiveRow] => [
    String(row[key]),
    Object.fromEntries(
      ALL_COLUMNS.map((name) => [
        name,
        /revenue|seconds/.test(name)
          ? unitsOf(String(row[name] ?? '0'))
          : BigInt(String(row[name] ?? '0')),
      ]),
    ),
  ]);
  return sorted(found.filter(([, row]) => Object.values(row).some((units) => units !== 0n)));
}

function filled(rows: ReadonlyMap<string, NaiveRow>): Map<string, NaiveRow> {
  const full = Array.from(rows, ([key, row]): [string, NaiveRow] => [
    key,
    Object.fromEntries(ALL_COLUMNS.map((name) => [name, row[name] ?? 0n])),
  ]);
  return sorted(full.filter(([, row]) => Object.values(row).some((units) => units !== 0n)));
}

function sorted<T>(entries: [string, T][]): Map<string, T> {
  return new Map(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Rates are what their columns give, and shares are between 0 and 1. */
function checkRates(row: Cells, of: string, pageViews: string): void {
  const cell = (name: string) => Number(row[name]);
  const check = (rate: string, part: string, all: string) => {
    if (cell(all) === 0) expect(row[rate], rate).to.equal(null);
    else expect(row[rate], rate).to.be.closeTo(cell(part) / cell(all), 1e-9);
    if (rate.endsWith('_rate')) expect(row[rate] ?? 0, rate).to.be.within(0, 1);
  };
  check('bounce_rate', 'bounced', of);
  check('engagement_rate', 'engaged', of);
  check('conversion_rate', 'converted', 'sessions');
  check('pages_per_session', pageViews, of);
  check('average_seconds', 'duration_seconds', of);
}

function named(attribute: string, missing: string): (visit: NaiveVisit) => string {
  return ({ session }) => session.attributes[attribute] ?? missing;
}

function groups<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    found.set(key, [...(found.get(key) ?? []), item]);
  }
  return found;
}

function mapped<A, B>(from: ReadonlyMap<string, A>, change: (value: A) => B): Map<string, B> {
  return sorted(Array.from(from, ([key, value]): [string, B] => [key, change(value)]));
}

function cellsBy(rows: readonly Cells[], key: string, ...names: string[]): Map<string, string> {
  return sorted(
    rows.map((row) => [
      `${String(row['day'])} ${String(row[key])}`,
      names.map((name) => String(row[name])).join(' '),
    ]),
  );
}

function splitOf(visits: readonly NaiveVisit[]): string[] {
  const sum = (read: (visit: NaiveVisit) => number | bigint) =>
    String(visits.reduce((all, visit) => all + BigInt(read(visit)), 0n));
  return [
    String(visits.length),
    String(new Set(visits.map(visitorOf)).size),
    sum(({ session }) => session.pageViews),
    sum(({ session }) => (session.bounced ? 1 : 0)),
    sum(({ session }) => (session.engaged ? 1 : 0)),
    sum(({ session }) => (session.conversions > 0 ? 1 : 0)),
    sum(({ session }) => session.conversions),
    sum(({ session }) => BigInt(session.lastEventAt - session.firstEventAt) * 1_000_000n),
    sum(({ session }) => session.revenue),
    sum(({ session }) => (session.attributes['bot'] === undefined ? 0 : 1)),
  ];
}

function splitCells(row: Readonly<Record<string, string>>): string[] {
  return [
    ...['sessions', 'visitors', 'page_views', 'bounced', 'engaged', 'converted', 'conversions'],
    ...['duration_seconds', 'revenue', 'bot_sessions'],
  ].map((name) => {
    const text = String(row[name]);
    return /revenue|seconds/.test(name) ? String(unitsOf(text)) : text;
  });
}
