/**
 * What the page compares with, on a real ClickHouse: only days that are kept, as much of them as has passed of now, each
 * point with its own; and the numbers of days so old that the views know no rules for them.
 */
import { type ClickHouseClient, createClient } from '@clickhouse/client';
import { expect } from 'chai';
import { metricTableRows } from '../../activities/load-batch.ts';
import { type Parameters, parseView } from '../../dashboard/address.ts';
import {
  type AnswerDeps,
  chart,
  oneOverTime,
  resolveView,
  summarize,
} from '../../dashboard/answers.ts';
import { createDatabase } from '../../dashboard/database.ts';
import { silentLog } from '../../platform/log.ts';
import { applyMigrations, readMigrations } from '../../platform/migrate.ts';
import { migrateZones } from '../../platform/migrate-zones.ts';
import { loadViewZones, loadZones } from '../../platform/zones.ts';
import { CLICKHOUSE_ADMIN } from '../../servers/index.ts';
import { difference } from '../../shared/contributions.ts';
import type { VisitorEvent } from '../../shared/event.ts';
import { readDayStarts } from '../support/naive-days.ts';
import { chance, intBetween, pick, randomOf } from '../support/random.ts';
import { useServers } from '../support/servers.ts';
import { identityOf, type VisitOnPage, written } from '../support/written-visit.ts';

const SEED = 20_261_130;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** One page view after the other, the first one at a time; of a bot, or with money at the last. */
function aVisit(
  id: string,
  first: number,
  { afterMs = [], ...more }: Partial<VisitorEvent> & { readonly afterMs?: readonly number[] } = {},
): VisitOnPage {
  const { revenue, currency, ...who } = more;
  const events = [0, ...afterMs].map((after, index, { length }): VisitorEvent => {
    const isLast = index === length - 1;
    const paid = isLast && revenue !== undefined;
    return {
      ...who,
      ...{ id: `e-${index}`, at: first + after, seq: index + 1, path: '/' },
      type: paid ? 'purchase' : 'pageview',
      ...(paid && { revenue, ...(currency !== undefined && { currency }) }),
    };
  });
  return { id, events, late: [], isNew: false, excluded: false, writeNo: 1 };
}

describe('what the page compares with', function () {
  this.timeout(240_000);
  const servers = useServers();
  const dayStarts = readDayStarts();
  let admin: ClickHouseClient;

  before(async () => {
    admin = createClient({
      url: servers().clickhouse.url,
      username: CLICKHOUSE_ADMIN,
      password: servers().secrets.clickhouse.adminPassword,
    });
    await admin.command({ query: 'CREATE DATABASE IF NOT EXISTS sojourn' });
    await applyMigrations(admin, readMigrations(), silentLog);
    await migrateZones(admin, loadZones(), Date.now(), silentLog);
  });

  after(async () => {
    await admin.close();
  });

  const insert = (table: string, values: readonly object[]) =>
    admin.insert({ table: `sojourn.${table}`, values, format: 'JSONEachRow' });

  async function aProject(project: string, time_zone: string, visits: readonly VisitOnPage[]) {
    await insert('projects', [{ project, time_zone, week: 'monday', version: 1 }]);
    const all = visits.map((visit) => written(project, visit));
    await insert(
      'metrics',
      all.flatMap(({ rows }) => metricTableRows(project, difference(rows, new Map()))),
    );
    await insert(
      'sessions',
      all.map(({ row }) => row),
    );
  }

  const depsAt = (nowMs: number): AnswerDeps => ({
    database: createDatabase(admin, { keepMs: 0 }),
    zones: loadViewZones(),
    now: () => nowMs,
  });

  async function asked(parameters: Parameters, nowMs = Date.UTC(2026, 5, 1)) {
    const deps = depsAt(nowMs);
    const request = await resolveView(deps, parseView({ audience: 'everyone', ...parameters }));
    return { deps, request };
  }

  const startOf = (zone: string, day: string): number =>
    dayStarts.get(zone)?.[Math.round((Date.parse(day) - Date.UTC(2024, 0, 1)) / DAY_MS)] ??
    Number.NaN;

  it('compares with no days of which some are deleted, and says so', async () => {
    const project = 'compared-kept';
    const midnight = startOf('Europe/Berlin', '2026-03-10');
    await aProject(project, 'Europe/Berlin', [
      aVisit('a', midnight + HOUR_MS),
      aVisit('b', midnight + 30 * HOUR_MS),
    ]);
    await insert('kept_from', [{ project, kept_from: midnight / 1_000 }]);

    for (const [from, to, isCompared] of [
      ['2026-03-11', '2026-03-12', false],
      ['2026-03-11', '2026-03-11', true],
    ] as const) {
      const { deps, request } = await asked({ project, from, to });
      const [summary, series, one] = [
        await summarize(deps, request),
        await chart(deps, request),
        await oneOverTime(deps, request, { list: 'pages', name: '/' }),
      ];
      expect(summary.totals.sessions).to.equal(1);
      for (const { before, previous, previousMissing, keptFrom } of [summary, series, one]) {
        expect(before === null, to).to.equal(!isCompared);
        expect({ previous, previousMissing, keptFrom }, to).to.deep.equal(
          isCompared
            ? {
                previous: { from: '2026-03-10', to: '2026-03-10' },
                previousMissing: null,
                keptFrom: null,
              }
            : { previous: null, previousMissing: 'deleted', keptFrom: '2026-03-10' },
        );
      }
    }
    const { request } = await asked({
      project,
      from: '2026-03-09',
      to: '2026-03-12',
      compare: 'none',
    });
    expect(request.head).to.include({ previousMissing: null, keptFrom: '2026-03-10' });
  });

  it('compares hours of one name, and a month with as many days', async () => {
    const project = 'compared-pairs';
    const zone = 'Europe/Berlin';
    const [long, short] = ['2026-03-28', '2026-03-29'].map((day) => startOf(zone, day));
    const byClock = [long, short].flatMap((start = 0, n) => [
      aVisit(`early-${n}`, start + 1.5 * HOUR_MS),
      // 03:30: on the 29th clocks are put forward at 02:00.
      aVisit(`later-${n}`, start + (n === 0 ? 3.5 : 2.5) * HOUR_MS),
    ]);
    await aProject(project, zone, [
      ...byClock,
      aVisit('night', (long ?? 0) + 2.5 * HOUR_MS),
      ...['2026-01-28', '2026-01-29', '2026-02-15', '2026-02-28'].map((day) =>
        aVisit(day, startOf(zone, day) + HOUR_MS, { visitorId: 'who comes again' }),
      ),
    ]);

    const { deps, request } = await asked({
      project,
      from: '2026-03-29',
      to: '2026-03-29',
      unit: 'hour',
    });
    const { series, before, pairs } = await chart(deps, request);
    const compared = pairs.map((pair, index) => [
      series.buckets[index]?.label.slice(11, 13),
      before?.buckets[pair ?? -1]?.label.slice(11, 13),
      before?.points[pair ?? -1]?.sessions,
    ]);
    expect(compared).to.have.length(23);
    expect(compared.every(([own, other]) => own === other)).to.equal(true);
    expect(compared.filter(([, , sessions]) => sessions === 1).map(([hour]) => hour)).to.deep.equal(
      ['01', '03'],
    );

    const months = await asked({ project, from: '2026-03-01', to: '2026-03-31', unit: 'month' });
    const byMonth = await chart(months.deps, months.request);
    const summary = await summarize(months.deps, months.request);
    const [march] = byMonth.pairs;
    expect(byMonth.before?.buckets[march ?? -1]).to.include({
      key: '2026-01-29',
      to: '2026-02-28',
    });
    expect(byMonth.before?.points[march ?? -1]).to.include({ sessions: 3, visitors: 1 });
    expect(summary.before).to.include({ sessions: 3, visitors: 1 });
  });

  for (const zone of ['UTC', 'Europe/Berlin', 'Asia/Kathmandu', 'America/St_Johns']) {
    it(`compares with as much as has passed of today, in ${zone}`, async () => {
      const random = randomOf(SEED);
      const project = `compared-so-far-${zone.toLowerCase().replace('/', '-')}`;
      const today = startOf(zone, '2026-03-11');
      const nowMs = today + 15 * HOUR_MS + 20 * MINUTE_MS;
      const cutAfter = 15 * HOUR_MS + 15 * MINUTE_MS;
      // Half of them around the time at which the days are cut.
      const visits = Array.from({ length: 240 }, (_, n) => {
        const day = today - intBetween(random, 1, 14) * DAY_MS;
        const at = chance(random, 0.5) ? cutAfter + intBetween(random, -60, 60) * MINUTE_MS : 0;
        return aVisit(`v-${n}`, day + (at || intBetween(random, 0, DAY_MS - 1)), {
          afterMs: Array.from({ length: intBetween(random, 0, 3) }, () =>
            pick(random, [4_000, 9 * MINUTE_MS]),
          ).map((__, index, steps) => steps.slice(0, index + 1).reduce((a, b) => a + b)),
          visitorId: `who-${intBetween(random, 1, 60)}`,
          country: pick(random, ['DE', 'FR']),
          ...(chance(random, 0.2) && { bot: 'true' }),
          ...(chance(random, 0.4) && { revenue: pick(random, ['19.99', '-5']), currency: 'EUR' }),
        });
      });
      await aProject(project, zone, visits);

      for (const [range, from, cutDay] of [
        ['today', '2026-03-10', '2026-03-10'],
        ['7d', '2026-02-26', '2026-03-04'],
      ] as const) {
        for (const audience of ['people', 'bots', 'everyone'] as const) {
          for (const filter of [{}, { country: 'DE' }]) {
            const what = JSON.stringify({ range, audience, ...filter });
            const { deps, request } = await asked({ project, range, audience, ...filter }, nowMs);
            const { before, previousUntil } = await summarize(deps, request);
            const until = startOf(zone, cutDay) + cutAfter;
            expect(previousUntil?.slice(0, 16), what).to.equal(`${cutDay} 15:15`);
            expect(before && flat(before), what).to.deep.equal(
              naive(
                visits,
                { start: startOf(zone, from), end: until },
                audience,
                'country' in filter,
              ),
            );
          }
        }
      }
      const { request: past } = await asked({ project, range: 'yesterday' }, nowMs);
      expect(past.head.previousUntil).to.equal(null);
    });
  }

  it('takes the revenue of bots off, also where their sessions are deleted', async () => {
    const project = 'compared-bots';
    const noon = Date.UTC(2026, 2, 10, 12);
    const paid = { afterMs: [HOUR_MS], revenue: '10', currency: 'EUR' } as const;
    await aProject(project, 'UTC', [aVisit('person', noon, paid)]);
    const gone = written(project, aVisit('gone', noon, { ...paid, bot: 'true' }));
    await insert('metrics', metricTableRows(project, difference(gone.rows, new Map())));

    for (const [audience, total] of [
      ['people', '10'],
      ['bots', '10'],
      ['everyone', '20'],
    ] as const) {
      const { deps, request } = await asked({
        project,
        from: '2026-03-10',
        to: '2026-03-10',
        audience,
      });
      const { totals } = await summarize(deps, request);
      expect(totals.revenue, audience).to.deep.equal([{ currency: 'EUR', total }]);
      // In the hour in which it was paid.
      const { series } = await chart(deps, request);
      expect(series.revenue[0]?.byBucket.findIndex((text) => text !== '0')).to.equal(13);
    }
  });

  it('tells days of before 2012 as the views do, and says by which clocks', async () => {
    const project = 'compared-old';
    // In Berlin clocks were two hours ahead in summer: 00:30. By the offset of January 2012 it is 23:30.
    const late = Date.UTC(2010, 6, 10, 22, 30);
    await aProject(project, 'Europe/Berlin', [
      aVisit('old', late, { afterMs: [4_000], revenue: '10', currency: 'EUR' }),
    ]);
    const range = { project, from: '2010-07-09', to: '2010-07-12' };
    const { deps, request } = await asked({ ...range, unit: 'day' });
    const [days, hours] = [
      await chart(deps, request),
      await chart(deps, (await asked({ ...range, unit: 'hour' })).request),
    ];
    const rows = await (
      await admin.query({
        query: `SELECT toString(day) AS day, visitors, sessions, page_views FROM sojourn.overview_daily WHERE project = {project:String}`,
        query_params: { project },
        format: 'JSONEachRow',
      })
    ).json<{ day: string; visitors: string }>();

    expect(rows.map(({ day }) => day)).to.deep.equal(['2010-07-10']);
    for (const { series } of [days, hours]) {
      for (const measure of ['visitors', 'sessions', 'pageViews'] as const) {
        const at = series.points.findIndex((point) => point[measure] > 0);
        expect(series.buckets[at]?.key.slice(0, 10), measure).to.equal('2010-07-10');
      }
      const paidAt = series.revenue[0]?.byBucket.findIndex((text) => text !== '0') ?? -1;
      expect(series.buckets[paidAt]?.key.slice(0, 10)).to.equal('2010-07-10');
    }
    expect(days.clocksFrom).to.equal('2012-01-01');
    expect((await asked({ project, range: '7d' })).request.head.clocksFrom).to.equal(null);
  });
});

const flat = ({
  revenue,
  averageSeconds,
  ...rest
}: Awaited<ReturnType<typeof summarize>>['totals']) => ({
  ...rest,
  averageSeconds: averageSeconds === null ? null : Math.round(averageSeconds * 1_000),
  revenue: revenue.map(({ currency, total }) => `${total} ${currency}`),
});

/** Counted event by event. */
function naive(
  visits: readonly VisitOnPage[],
  { start, end }: { readonly start: number; readonly end: number },
  audience: 'people' | 'bots' | 'everyone',
  isFiltered: boolean,
) {
  const isIn = (at = Number.NaN) => start <= at && at < end;
  const isBot = ({ events }: VisitOnPage) => events[0]?.bot !== undefined;
  const fits = (visit: VisitOnPage) =>
    audience === 'everyone' || isBot(visit) === (audience === 'bots');
  const all = visits.filter(({ events }) => !isFiltered || events[0]?.country === 'DE');
  const began = all.filter(({ events }) => isIn(events[0]?.at));
  const own = began.filter(fits);
  const ended = isFiltered ? own : all.filter(fits).filter(({ events }) => isIn(events.at(-1)?.at));
  const events = isFiltered
    ? own.flatMap((visit) => visit.events)
    : all.filter(fits).flatMap((visit) => visit.events.filter(({ at }) => isIn(at)));
  const visitors = (some: readonly VisitOnPage[]) =>
    new Set(some.map((visit) => visit.events[0]?.visitorId ?? identityOf(visit))).size;
  const bots = visitors(began.filter(isBot));
  const seconds = ({ events: [first, ...later] }: VisitOnPage) =>
    ((later.at(-1)?.at ?? first?.at ?? 0) - (first?.at ?? 0)) / 1_000;
  const conversions = (some: readonly VisitorEvent[]) =>
    some.filter(({ type }) => type === 'purchase');
  const views = (some: readonly VisitorEvent[]) => some.filter(({ type }) => type === 'pageview');
  const share = (of: (visit: VisitOnPage) => boolean) =>
    ended.length === 0 ? null : ended.filter(of).length / ended.length;
  const cents = conversions(events).reduce(
    (sum, { revenue }) => sum + Math.round(Number(revenue) * 100),
    0,
  );
  return {
    visitors: { everyone: visitors(began), bots, people: visitors(began) - bots }[audience],
    sessions: own.length,
    pageViews: views(events).length,
    conversions: conversions(events).length,
    bounceRate: share((v) => views(v.events).length === 1 && conversions(v.events).length === 0),
    engagementRate: share(
      (v) => seconds(v) >= 10 || views(v.events).length >= 2 || conversions(v.events).length > 0,
    ),
    averageSeconds:
      ended.length === 0
        ? null
        : Math.round((ended.reduce((sum, v) => sum + seconds(v), 0) / ended.length) * 1_000),
    revenue: cents === 0 ? [] : [`${cents / 100} EUR`],
  };
}
