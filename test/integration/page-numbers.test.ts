/**
 * The numbers of the page against a naive count, on a real ClickHouse: random visits around clock changes in zones of whole,
 * half and quarter hours, written as the loader writes them; then what comes late to them, and some that are taken out. After
 * each step every number has to be the naive one, for ranges that begin and end anywhere.
 */
import { type ClickHouseClient, createClient } from '@clickhouse/client';
import { expect } from 'chai';
import { metricTableRows } from '../../activities/load-batch.ts';
import { parseView, type Parameters, type Unit } from '../../dashboard/address.ts';
import { chart, list, resolveView, summarize } from '../../dashboard/answers.ts';
import { createDatabase } from '../../dashboard/database.ts';
import { daysFromTo } from '../../dashboard/days.ts';
import { listSessions, type SessionDeps } from '../../dashboard/sessions.ts';
import { silentLog } from '../../platform/log.ts';
import { applyMigrations, readMigrations } from '../../platform/migrate.ts';
import { migrateZones } from '../../platform/migrate-zones.ts';
import { loadZones } from '../../platform/zones.ts';
import { CLICKHOUSE_ADMIN } from '../../servers/index.ts';
import { type Contributions, difference } from '../../shared/contributions.ts';
import type { VisitorEvent } from '../../shared/event.ts';
import { createDayTurned } from '../../shared/zones/index.ts';
import { asReference } from '../support/builders.ts';
import {
  type DayOf,
  dayOfStarts,
  naiveOverview,
  type NaiveVisit,
  readDayStarts,
  readEvent,
  visitorOf,
  weekOf,
} from '../support/naive-days.ts';
import { chance, intBetween, pick, type Random, randomOf, shuffled } from '../support/random.ts';
import { referenceSession, unitsOf } from '../support/reference.ts';
import { useServers } from '../support/servers.ts';
import { identityOf, type VisitOnPage, written } from '../support/written-visit.ts';

const SEED = 20_261_129;
const VISITS = 160;
const RANGES = 4;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const ZONES = ['UTC', 'Europe/Berlin', 'Asia/Kathmandu', 'America/St_Johns', 'Australia/Lord_Howe'];
/** Clocks of all of these but Kathmandu and UTC change within it. */
const FROM = Date.UTC(2026, 2, 1);
const DAYS = 45;

const zones = loadZones();
const dayTurned = createDayTurned(zones);
const dayStarts = readDayStarts();

interface Visit extends VisitOnPage {
  events: readonly VisitorEvent[];
  late: readonly VisitorEvent[];
  excluded: boolean;
  /** What of it is in `metrics`. */
  written: Contributions;
  writeNo: number;
}

interface Tenant {
  readonly project: string;
  readonly zone: string;
  readonly dayOf: DayOf;
  readonly visits: readonly Visit[];
}

interface Range {
  readonly from: string;
  readonly to: string;
}

describe('the numbers of the page', function () {
  this.timeout(240_000);
  const servers = useServers();
  const random = randomOf(SEED);
  const tenants = ZONES.map((zone) => tenantOf(zone, random));
  let admin: ClickHouseClient;
  let deps: SessionDeps;

  before(async () => {
    admin = createClient({
      url: servers().clickhouse.url,
      username: CLICKHOUSE_ADMIN,
      password: servers().secrets.clickhouse.adminPassword,
    });
    await admin.command({ query: 'CREATE DATABASE IF NOT EXISTS sojourn' });
    await applyMigrations(admin, readMigrations(), silentLog);
    await migrateZones(admin, zones, Date.now(), silentLog);
    deps = {
      database: createDatabase(admin, { keepMs: 0 }),
      zones,
      now: () => FROM + DAYS * DAY_MS,
      stateOf: () => Promise.reject(new Error('no Temporal here')),
      temporalUiUrl: undefined,
      temporalNamespace: 'default',
    };
    for (const { project, zone } of tenants) {
      await insert('projects', [{ project, time_zone: zone, week: 'sunday', version: 1 }]);
    }
    await write((visit) => visit.events.length > 0);
  });

  after(async () => {
    await admin.close();
  });

  const insert = (table: string, values: readonly object[]) =>
    admin.insert({ table: `sojourn.${table}`, values, format: 'JSONEachRow' });

  /** Writes what of some visits is new, as differences and newer rows. */
  async function write(which: (visit: Visit) => boolean): Promise<void> {
    for (const { project, visits } of tenants) {
      const sessions: object[] = [];
      const metrics: object[] = [];
      for (const visit of visits.filter(which)) {
        const { row, rows } = written(project, visit);
        sessions.push(row);
        metrics.push(...metricTableRows(project, difference(rows, visit.written)));
        visit.written = rows;
      }
      // At once: one after the other they take a busy machine minutes.
      if (metrics.length > 0) await insert('metrics', metrics);
      if (sessions.length > 0) await insert('sessions', sessions);
    }
  }

  async function asked(project: string, parameters: Parameters) {
    return resolveView(deps, parseView({ project, compare: 'none', ...parameters }));
  }

  const AUDIENCES = ['people', 'bots', 'everyone'] as const;

  const sameEverywhere = (when: string) => {
    for (const tenant of tenants) {
      it(`are the naive ones in ${tenant.zone} ${when}`, async () => {
        for (const range of rangesOf(tenant, random)) {
          const audience = pick(random, AUDIENCES);
          await sameTotals(tenant, range, audience);
          await sameLists(tenant, range, audience);
          await sameSessions(tenant, range);
        }
      });
    }
  };

  async function sameTotals(
    tenant: Tenant,
    range: Range,
    audience: (typeof AUDIENCES)[number],
  ): Promise<void> {
    const { project, dayOf } = tenant;
    const counted = tenant.visits.filter(isCounted).map((visit) => naive(project, visit));
    for (const filter of [{}, { country: ['DE', '(none)'] }]) {
      const unit: Unit = pick(random, ['day', 'week', 'month']);
      const request = await asked(project, { ...range, audience, unit, ...filter });
      const [{ totals }, { series }] = await Promise.all([
        summarize(deps, request),
        chart(deps, request),
      ]);
      const isFiltered = 'country' in filter;
      const visits = counted.filter(
        ({ session: { attributes } }) => !isFiltered || attributes['country'] !== 'FR',
      );
      const began = visits.filter((visit) => isIn(range, dayOf(visit.session.firstEventAt)));
      const expected = isFiltered
        ? bySession(began, audience)
        : byEvent(naiveOverview(visits, dayOf), range, audience);
      const what = `${project} ${JSON.stringify({ ...range, audience, unit, ...filter })}`;
      expect(
        {
          visitors: totals.visitors,
          sessions: totals.sessions,
          pageViews: totals.pageViews,
          conversions: totals.conversions,
          bounceRate: totals.bounceRate,
          engagementRate: totals.engagementRate,
        },
        what,
      ).to.deep.equal({ visitors: visitorsOf(began, audience), ...expected.counts });
      expect(totals.averageSeconds ?? 0, what).to.be.closeTo(expected.averageSeconds, 1e-6);
      const visitorsBy = new Map<string, NaiveVisit[]>();
      for (const visit of began) {
        const bucket = bucketOf(unit, dayOf(visit.session.firstEventAt), range.from);
        visitorsBy.set(bucket, [...(visitorsBy.get(bucket) ?? []), visit]);
      }
      expect(
        series.buckets.map(({ key }, index) => [key, series.points[index]?.visitors]),
        what,
      ).to.deep.equal(
        series.buckets.map(({ key }) => [key, visitorsOf(visitorsBy.get(key) ?? [], audience)]),
      );
      const sum = (name: 'sessions' | 'pageViews' | 'conversions') =>
        series.points.reduce((all, point) => all + point[name], 0);
      expect([sum('sessions'), sum('pageViews'), sum('conversions')], what).to.deep.equal([
        totals.sessions,
        totals.pageViews,
        totals.conversions,
      ]);
      // With a filter bots are sessions, without one what says of itself that it is from a bot.
      const payers = isFiltered ? began.filter((visit) => fits(audience, isBot(visit))) : visits;
      expect(
        Object.fromEntries(totals.revenue.map(({ currency, total }) => [currency, total])),
        what,
      ).to.deep.equal(
        purseOf(payers, ({ at, isOfBot }) =>
          isFiltered ? true : isIn(range, dayOf(at)) && fits(audience, isOfBot),
        ),
      );
    }
  }

  async function sameLists(
    { project, visits, dayOf }: Tenant,
    range: Range,
    audience: (typeof AUDIENCES)[number],
  ): Promise<void> {
    const counted = visits.filter(isCounted).map((visit) => naive(project, visit));
    const began = counted.filter(({ session }) => isIn(range, dayOf(session.firstEventAt)));
    const request = await asked(project, { ...range, audience });
    const namesOf: Readonly<Record<string, (visit: NaiveVisit) => string>> = {
      channel: ({ session }) => session.attributes['channel'] ?? 'Direct',
      country: ({ session }) => session.attributes['country'] ?? '(none)',
      entry: ({ session }) => session.entryPath ?? '(none)',
    };
    for (const [name, nameOf] of Object.entries(namesOf)) {
      const { items } = await list(deps, request, name as 'channel', 100);
      const groups = new Map<string, NaiveVisit[]>();
      for (const visit of began) {
        groups.set(nameOf(visit), [...(groups.get(nameOf(visit)) ?? []), visit]);
      }
      const expected = [...groups]
        .map(([value, group]) => ({
          name: value,
          visitors: visitorsOf(group, audience),
          count: group.filter((visit) => fits(audience, isBot(visit))).length,
        }))
        .filter(({ count }) => count > 0)
        .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
      expect(
        items.map(({ name: value, visitors, count }) => ({ name: value, visitors, count })),
        `${name} of ${project} ${JSON.stringify({ ...range, audience })}`,
      ).to.deep.equal(expected);
    }
    const views = new Map<string, number>();
    for (const { events } of counted) {
      for (const { at, isView, isOfBot, path } of events.map(readEvent)) {
        if (!isView || path === '' || !isIn(range, dayOf(at))) continue;
        if (fits(audience, isOfBot)) views.set(path, (views.get(path) ?? 0) + 1);
      }
    }
    const { items } = await list(deps, request, 'pages', 100);
    expect(
      new Map(items.map(({ name, count }) => [name, count])),
      `pages of ${project} ${JSON.stringify({ ...range, audience })}`,
    ).to.deep.equal(views);
  }

  /** Page after page, the newest first: each session once. */
  async function sameSessions({ project, visits, dayOf }: Tenant, range: Range): Promise<void> {
    const request = await asked(project, { ...range, audience: 'everyone' });
    const shown: string[] = [];
    for (let after: string | undefined; ;) {
      const { sessions, next } = await listSessions(deps, request, after);
      shown.push(...sessions.map(({ session_id }) => session_id));
      if (next === null) break;
      after = next;
    }
    const expected = visits
      .filter(isCounted)
      .map((visit) => ({ id: visit.id, ...naive(project, visit).session }))
      .filter(({ firstEventAt }) => isIn(range, dayOf(firstEventAt)))
      .sort((a, b) => b.firstEventAt - a.firstEventAt || (a.id < b.id ? 1 : -1));
    expect(shown, `${project} ${JSON.stringify(range)}`).to.deep.equal(
      expected.map(({ id }) => id),
    );
  }

  sameEverywhere('as events come');

  describe('when more comes', () => {
    before(async () => {
      for (const { visits } of tenants) {
        for (const visit of visits.filter(({ late }) => late.length > 0)) {
          visit.events = [...visit.events, ...visit.late].sort((a, b) => a.at - b.at);
          visit.late = [];
          visit.writeNo += 1;
        }
      }
      await write(({ writeNo }) => writeNo > 1);
    });

    sameEverywhere('after late events, which moved first and last events and told who it was');
  });

  describe('when sessions are taken out', () => {
    before(async () => {
      const taken = new Set<Visit>();
      for (const { visits } of tenants) {
        for (const visit of shuffled(random, visits).slice(0, VISITS / 8)) {
          visit.excluded = true;
          visit.writeNo += 1;
          taken.add(visit);
        }
      }
      await write((visit) => taken.has(visit));
    });

    sameEverywhere('after some were taken out');
  });

  it('have what sessions brought of which no currencies were kept, with a filter and one by one', async () => {
    const project = 'numbers-purse';
    const noon = FROM + 12 * HOUR_MS;
    const rowOf = (id: string, afterHours: number, money: Partial<VisitorEvent>) => {
      const at = noon + afterHours * HOUR_MS;
      const event = { id: 'e-1', type: 'purchase', seq: 1, at, country: 'DE', ...money };
      const visit = { id, events: [event], late: [], isNew: false, excluded: false, writeNo: 1 };
      return written(project, visit).row;
    };
    await insert('sessions', [
      rowOf('euro', 3, { revenue: '30', currency: 'EUR' }),
      rowOf('no-currency', 2, { revenue: '7' }),
      // As sessions of the first catalogue stand there.
      { ...rowOf('first', 1, { revenue: '0.125' }), revenue_by_currency: {} },
      { ...rowOf('refund', 0, { revenue: '-2' }), revenue_by_currency: {} },
    ]);

    const range = { from: '2026-03-01', to: '2026-03-01', country: 'DE' };
    const request = await asked(project, range);
    const { totals } = await summarize(deps, request);
    expect(totals.revenue).to.deep.equal([
      { currency: '(none)', total: '5.125' },
      { currency: 'EUR', total: '30' },
    ]);
    const { series } = await chart(deps, request);
    expect(series.revenue.map(({ total }) => total)).to.deep.equal(['5.125', '30']);
    const { sessions } = await listSessions(deps, request, undefined);
    expect(sessions.map((one) => one.revenue_by_currency)).to.deep.equal([
      { EUR: '30' },
      { '': '7' },
      { '': '0.125' },
      { '': '-2' },
    ]);
  });
});

/** Some from midnight to midnight around a change of the clock, some anywhere, and one that is all of it. */
function rangesOf({ dayOf }: Tenant, random: Random): Range[] {
  const first = dayOf(FROM - 2 * DAY_MS);
  const all = { from: first, to: dayOf(FROM + (DAYS + 3) * DAY_MS) };
  const some = Array.from({ length: RANGES }, (): Range => {
    const start = FROM + intBetween(random, 0, DAYS - 1) * DAY_MS;
    return {
      from: dayOf(start),
      to: dayOf(start + intBetween(random, 0, chance(random, 0.5) ? 1 : 20) * DAY_MS),
    };
  });
  return [all, ...some];
}

function tenantOf(zone: string, random: Random): Tenant {
  const starts = dayStarts.get(zone) ?? [];
  const visits = Array.from({ length: VISITS }, (_, n) => visitOf(n, { zone, starts }, random));
  const project = `numbers-${zone.toLowerCase().replace('/', '-')}`;
  return { project, zone, dayOf: dayOfStarts(starts), visits };
}

/** Half of them around a local midnight; of some a part comes late: the beginning, the end, or who it was. */
function visitOf(
  n: number,
  { zone, starts }: { readonly zone: string; readonly starts: readonly number[] },
  random: Random,
): Visit {
  const midnights = starts.filter((at) => at > FROM && at < FROM + DAYS * DAY_MS);
  const start = chance(random, 0.5)
    ? pick(random, midnights) + intBetween(random, -90, 90) * 60_000
    : FROM + intBetween(random, 0, DAYS * 24 * 60) * 60_000;
  const who = {
    ...(chance(random, 0.4) && { userId: `u-${intBetween(random, 1, 20)}` }),
    ...(chance(random, 0.6) && { channel: pick(random, ['Email', 'Paid Search']) }),
    ...(chance(random, 0.7) && { country: pick(random, ['DE', 'FR']) }),
    ...(chance(random, 0.2) && { bot: 'true' }),
  };
  const visitorId = chance(random, 0.6) ? `v-${intBetween(random, 1, 40)}` : undefined;
  let at = start + intBetween(random, 0, 59_999);
  const step = pick(random, [1_000, 60_000, 20 * 60_000, 3 * HOUR_MS]);
  const events = Array.from({ length: intBetween(random, 1, 6) }, (_, index): VisitorEvent => {
    if (index > 0) at += intBetween(random, 0, step);
    const type = pick(random, ['pageview', 'pageview', 'signup', 'purchase']);
    const path = pick(random, ['/', '/a', '/b', '']);
    return {
      ...{ id: `e-${index}`, type, at, seq: index + 1 },
      ...who,
      // Which visitor it was is told by later events only, at times by none.
      ...(visitorId !== undefined && index > 0 && { visitorId }),
      ...(type === 'pageview' && path !== '' && { path }),
      ...(type === 'purchase' && { revenue: pick(random, ['19.99', '-5', '0.000000001']) }),
      ...(type === 'purchase' && chance(random, 0.7) && { currency: pick(random, ['EUR', 'USD']) }),
      ...(dayTurned(zone, at) && { dayTurned: 'true' }),
    };
  });
  const isLate = chance(random, 0.5);
  const late = isLate ? events.filter(() => chance(random, 0.4)) : [];
  const kept = events.filter((event) => !late.includes(event));
  return {
    id: `s-${String(n).padStart(3, '0')}`,
    isNew: chance(random, 0.5),
    events: kept.length === 0 ? events : kept,
    late: kept.length === 0 ? [] : late,
    excluded: false,
    written: new Map(),
    writeNo: 1,
  };
}

const isCounted = ({ excluded }: Visit): boolean => !excluded;

function naive(project: string, visit: Visit): NaiveVisit {
  const events = visit.events.map((event) => asReference(project, visit.id, event));
  const session = referenceSession(events);
  const isNew = session.attributes['userId'] === undefined ? undefined : visit.isNew;
  return { id: identityOf(visit), events, session, isNew };
}

const isIn = ({ from, to }: Range, day: string): boolean => from <= day && day <= to;

const isBot = ({ session }: NaiveVisit): boolean => session.attributes['bot'] !== undefined;

const fits = (audience: string, bot: boolean): boolean =>
  audience === 'everyone' || (audience === 'bots') === bot;

/** People are all visitors less those that were bots in a session. */
function visitorsOf(visits: readonly NaiveVisit[], audience: string): number {
  const all = new Set(visits.map(visitorOf)).size;
  const bots = new Set(visits.filter(isBot).map(visitorOf)).size;
  return { everyone: all, bots, people: all - bots }[audience] ?? Number.NaN;
}

interface Expected {
  readonly counts: {
    readonly sessions: number;
    readonly pageViews: number;
    readonly conversions: number;
    readonly bounceRate: number | null;
    readonly engagementRate: number | null;
  };
  readonly averageSeconds: number;
}

function expectedOf(
  sums: Readonly<Record<string, bigint>>,
  { sessions, ended }: { readonly sessions: string; readonly ended: string },
): Expected {
  const n = (name: string) => Number(sums[name] ?? 0n);
  const rate = (name: string) => (n(ended) === 0 ? null : n(name) / n(ended));
  return {
    counts: {
      sessions: n(sessions),
      pageViews: n('page_views'),
      conversions: n('conversions'),
      bounceRate: rate('bounced'),
      engagementRate: rate('engaged'),
    },
    averageSeconds: n(ended) === 0 ? 0 : n('duration_seconds') / 1e9 / n(ended),
  };
}

/** The days of the overview added up. */
function byEvent(
  rows: ReadonlyMap<string, Readonly<Record<string, bigint>>>,
  range: Range,
  audience: string,
): Expected {
  const sums: Record<string, bigint> = {};
  for (const [day, row] of rows) {
    if (!isIn(range, day)) continue;
    for (const [name, amount] of Object.entries(row)) {
      const own = name.replace(/^bot_/, '');
      const isOfBots = own !== name;
      const sign =
        audience === 'people'
          ? isOfBots
            ? -1n
            : 1n
          : isOfBots === (audience === 'bots')
            ? 1n
            : 0n;
      sums[own] = (sums[own] ?? 0n) + sign * amount;
    }
  }
  return expectedOf(sums, { sessions: 'sessions', ended: 'sessions_by_last_event' });
}

/** Sessions that began in the range, and all that became of them. */
function bySession(began: readonly NaiveVisit[], audience: string): Expected {
  const own = began.filter((visit) => fits(audience, isBot(visit))).map(({ session }) => session);
  const sum = (of: (session: NaiveVisit['session']) => number) =>
    own.reduce((all, session) => all + BigInt(of(session)), 0n);
  const sums = {
    sessions: BigInt(own.length),
    page_views: sum(({ pageViews }) => pageViews),
    conversions: sum(({ conversions }) => conversions),
    bounced: sum(({ bounced }) => Number(bounced)),
    engaged: sum(({ engaged }) => Number(engaged)),
    duration_seconds: sum((s) => (s.lastEventAt - s.firstEventAt) * 1_000_000),
  };
  return expectedOf(sums, { sessions: 'sessions', ended: 'sessions' });
}

function purseOf(
  visits: readonly NaiveVisit[],
  isCountedIn: (event: ReturnType<typeof readEvent>) => boolean,
): Record<string, string> {
  const purse = new Map<string, bigint>();
  for (const event of visits.flatMap(({ events }) => events.map(readEvent))) {
    const { isConversion, revenue, currency } = event;
    if (!isConversion || !isCountedIn(event)) continue;
    const name = currency === '' ? '(none)' : currency;
    purse.set(name, (purse.get(name) ?? 0n) + revenue);
  }
  return Object.fromEntries(
    [...purse].filter(([, units]) => units !== 0n).map(([name, units]) => [name, textOf(units)]),
  );
}

function textOf(units: bigint): string {
  const sign = units < 0n ? '-' : '';
  const digits = String(units < 0n ? -units : units).padStart(10, '0');
  const text = `${sign}${digits.slice(0, -9)}.${digits.slice(-9)}`.replace(/\.?0+$/, '');
  if (unitsOf(text) !== units) throw new Error(`${text} is not ${units}`);
  return text;
}

function bucketOf(unit: Unit, day: string, from: string): string {
  const first = unit === 'week' ? weekOf(day, 0) : unit === 'month' ? `${day.slice(0, 7)}-01` : day;
  if (daysFromTo(first, day) < 1) throw new Error(`${first} is after ${day}`);
  return first < from ? from : first;
}
