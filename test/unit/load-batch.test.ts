import { expect } from 'chai';
import { loadBatch, sessionTableRow } from '../../activities/load-batch.ts';
import { type Rollup, sumRollups } from '../../shared/rollup.ts';
import { aRollup, aSessionRow, NOON_ISH } from '../support/builders.ts';

async function loaded(records: readonly Rollup[]) {
  const inserts: { table: string; rows: readonly object[]; token: string }[] = [];
  const tables = {
    insert(table: string, rows: readonly object[], token: string) {
      inserts.push({ table, rows, token });
      return Promise.resolve();
    },
  };
  const log = { sumRange: () => Promise.resolve(sumRollups(records)) };
  await loadBatch(log, tables, { partition: 0, log: 'life', from: 5, to: 6, at: '7000' });
  return inserts;
}

describe('loading a range', () => {
  const bucket = NOON_ISH / 1_000;
  const records = [
    aRollup({ rows: [['revenue', 'hour', bucket, 'currency', 'EUR', '0.1', 1]] }),
    aRollup({
      writeNo: 2,
      rows: [
        ['revenue', 'hour', bucket, 'currency', 'EUR', '0.2', 1],
        ['page_views', 'hour', bucket, '', '', '-1', -1],
      ],
    }),
  ];

  it('inserts one block into each table, all under the name of the range', async () => {
    const inserts = await loaded(records);

    expect(inserts.map(({ table, token }) => [table, token])).to.deep.equal([
      ['metrics_inbox', 'rollups-0-life-5-6'],
      ['sessions', 'rollups-0-life-5-6'],
      ['loaded_ranges', 'rollups-0-life-5-6'],
    ]);
  });

  it('sums rows by key, money exactly, and marks them with their range', async () => {
    const [inbox] = await loaded(records);

    expect(inbox?.rows).to.deep.equal([
      {
        partition: 0,
        log: 'life',
        range_from: 5,
        project: 'shop',
        metric_type: 'revenue',
        granularity: 'hour',
        bucket,
        dimension: 'currency',
        dimension_value: 'EUR',
        value: '0.3',
        count: 2,
      },
      {
        partition: 0,
        log: 'life',
        range_from: 5,
        project: 'shop',
        metric_type: 'page_views',
        granularity: 'hour',
        bucket,
        dimension: '',
        dimension_value: '',
        value: '-1',
        count: -1,
      },
    ]);
  });

  it('shows the newest row of each session, and last of all notes that the range is loaded', async () => {
    const [, sessions, ranges] = await loaded(records);

    expect(sessions?.rows).to.have.length(1);
    expect(sessions?.rows[0]).to.include({ first_run_id: 'run-1', version: 2 });
    expect(ranges?.rows).to.deep.equal([
      { partition: 0, log: 'life', range_from: 5, range_to: 6, range_at: '7000', records: 2 },
    ]);
  });

  it('repeats the very same blocks', async () => {
    expect(await loaded(records)).to.deep.equal(await loaded(records));
  });
});

describe('a row of the table sessions', () => {
  it('has everything about a session, times and seconds to the millisecond', () => {
    const session = aSessionRow({
      firstEventAt: NOON_ISH,
      lastEventAt: NOON_ISH + 61_234,
      durationMs: 61_234,
      events: 3,
      pageViews: 1,
      conversions: 1,
      revenue: '-0.5',
      engaged: true,
      bounced: false,
      attributes: {
        userId: 'ann',
        trafficSource: 'google',
        deviceType: 'mobile',
        country: 'DE',
        browser: 'Firefox',
        os: 'iOS',
        visitorId: 'v-1',
        channel: 'Paid Search',
        medium: 'cpc',
        campaign: 'spring',
        term: 'shoes',
        content: 'top',
        referrerHost: 'news.example',
        language: 'de',
        screen: '390x844',
        appVersion: '1.2',
        bot: 'true',
        'dim:plan': 'pro',
      },
      revenueByCurrency: { EUR: '-0.5' },
      entryPath: '/in',
      exitPath: '/out',
      newUser: false,
      endReason: 'idle',
      catalogue: 2,
      updatedAt: NOON_ISH + 90_000,
    });

    expect(sessionTableRow(aRollup({ session, writeNo: 4 }))).to.deep.equal({
      project: 'shop',
      session_id: 's-1',
      first_run_id: 'run-1',
      started_at: '2024-03-05 10:00:00.000',
      last_event_at: '2024-03-05 10:01:01.234',
      duration_seconds: '61.234',
      page_views: 1,
      events: 3,
      conversions: 1,
      engaged: true,
      bounced: false,
      converted: true,
      revenue: '-0.5',
      entry_path: '/in',
      exit_path: '/out',
      user_id: 'ann',
      new_user: false,
      traffic_source: 'google',
      device_type: 'mobile',
      country: 'DE',
      browser: 'Firefox',
      os: 'iOS',
      visitor_id: 'v-1',
      channel: 'Paid Search',
      medium: 'cpc',
      campaign: 'spring',
      term: 'shoes',
      content: 'top',
      referrer_host: 'news.example',
      language: 'de',
      screen: '390x844',
      app_version: '1.2',
      bot: true,
      revenue_by_currency: { EUR: '-0.5' },
      dimensions: { plan: 'pro' },
      state: 'ended',
      end_reason: 'idle',
      excluded: false,
      catalogue: 2,
      updated_at: '2024-03-05 10:01:30.000',
      version: 4,
    });
  });

  it('has empty texts for what a session does not have, and no guess about its user', () => {
    expect(sessionTableRow(aRollup({ session: aSessionRow({ status: 'open' }) }))).to.deep.include({
      user_id: '',
      visitor_id: '',
      channel: '',
      bot: false,
      catalogue: 1,
      revenue_by_currency: {},
      dimensions: {},
      country: '',
      entry_path: '',
      end_reason: '',
      state: 'open',
      new_user: null,
      converted: false,
    });
  });
});
