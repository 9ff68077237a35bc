/** A dimension with too many values, on real servers: the rest is filed under (other), and every sum is as without that. */
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { expect } from 'chai';
import type { Audit } from '../../operations/audit-tables.ts';
import type { Status } from '../../operations/observe.ts';
import { CLICKHOUSE_ADMIN } from '../../servers/index.ts';
import { boundedDimensionOf } from '../../shared/catalogue.ts';
import { OTHER_VALUE } from '../../shared/value-bounds.ts';
import { announcedOnce } from '../support/announced-once.ts';
import { eventually } from '../support/eventually.ts';
import {
  type Around,
  connectAround,
  environmentOf,
  type PipelineProcess,
  QUICK_SETTINGS,
  sojourn,
  startPipelineProcess,
  untilLoaded,
} from '../support/pipeline.ts';
import { publishedRows } from '../support/published.ts';
import { addTo, type ReferenceEvent, type ReferenceRows } from '../support/reference.ts';
import { useServers } from '../support/servers.ts';

const PROJECT = 'exploding';
const LIMIT = 7;
const SESSIONS = 40;
const DAY = '2026-03-09';

describe('a dimension with too many values', function () {
  this.timeout(400_000);
  const servers = useServers();
  let around: Around;
  let admin: ClickHouseClient;
  let pipeline: PipelineProcess | undefined;
  let logs = '';

  const startWith = async (valuesMax: number) => {
    const settings = { ...QUICK_SETTINGS, DIMENSION_VALUES_MAX: String(valuesMax) };
    pipeline = await startPipelineProcess(servers(), settings);
  };
  const logged = () => pipeline?.log() ?? '';
  const run = (...words: string[]) => sojourn(words, environmentOf(servers()));
  const allLoaded = () => untilLoaded(environmentOf(servers()));

  before(async () => {
    around = await connectAround(servers());
    admin = createClient({
      url: servers().clickhouse.url,
      username: CLICKHOUSE_ADMIN,
      password: servers().secrets.clickhouse.adminPassword,
      log: { level: ClickHouseLogLevel.OFF },
    });
    const migrated = await run('migrate');
    expect(migrated.code, migrated.stderr).to.equal(0);
    const set = await run('project', 'set', PROJECT, '--dimension', 'plan=plan');
    expect(set.code, set.stderr).to.equal(0);
    await startWith(LIMIT);
  });

  after(async () => {
    await pipeline?.stop();
    // What is left there is shown by `status`, to other tests too.
    await admin.command({ query: 'DELETE FROM sojourn.full_dimensions WHERE true' });
    await admin.close();
    await around.close();
  });

  /** Announced by metrics.updated, by its place. */
  const announced: ReferenceRows = new Map();
  const published: ReferenceEvent[] = [];
  const publish = async (events: readonly ReferenceEvent[]) => {
    for (const event of events) {
      const { project, declared: _declared, ...fields } = event;
      await around.publish(project, fields);
    }
    published.push(...events);
  };

  it('has rows of its own for the first ones, and (other) for the rest, which add up', async () => {
    const subscription = around.nc.subscribe(`metrics.updated.${PROJECT}`);
    const listening = (async () => {
      for await (const message of announcedOnce(subscription)) {
        for (const row of message.json<{ metrics: AnnouncedRow[] }>().metrics) {
          const { metricType, granularity, bucket, dimension, dimensionValue, value, count } = row;
          const key = [metricType, granularity, bucket, dimension, dimensionValue].join('|');
          addTo(announced, key, { value: BigInt(Math.round(value * 1e9)), count });
        }
      }
    })();

    await publish(visits(0, SESSIONS / 2));
    await allLoaded();
    // In the middle of it, and under another limit: what is full stays so.
    await publish(visits(SESSIONS / 2, (SESSIONS * 3) / 4));
    await pipeline?.kill();
    logs += logged();
    await startWith(LIMIT + 5);
    await publish(visits((SESSIONS * 3) / 4, SESSIONS));
    // An earlier event says otherwise: what was filed under a value, or under (other), goes elsewhere.
    await publish(corrections());
    await allLoaded();

    await eventually(
      async () => {
        const rows = await around.rows(PROJECT);
        expect(text(withoutBounded(rows))).to.deep.equal(
          text(withoutBounded(publishedRows(published))),
        );
      },
      { withinMs: 60_000 },
    );
    const rows = await around.rows(PROJECT);
    for (const dimension of ['campaign', 'entry_path', 'plan']) {
      const values = valuesOf(rows, dimension);
      expect(values, dimension).to.include(OTHER_VALUE);
      expect(values.size, dimension).to.be.within(2, LIMIT + 1);
    }
    // In the contract's table: all of them.
    expect(valuesOf(rows, 'path').size).to.be.at.least(SESSIONS);
    expect([...rows].filter(([, { count }]) => count < 0)).to.deep.equal([]);

    // It is announced after it is loaded.
    await eventually(
      () => {
        for (const [key, amount] of rows) {
          const [, granularity] = key.split('|');
          if (granularity === 'hour' && !key.startsWith('new_users+')) {
            expect(announced.get(key), key).to.deep.equal(amount);
          }
        }
      },
      { withinMs: 60_000 },
    );
    await subscription.drain();
    await listening;
  });

  it('is said once, in the log of who loads, and by status', async () => {
    logs += logged();
    const lines = logs.split('\n').filter((line) => line.includes('has too many values'));
    expect(lines).to.have.length(3);
    for (const dimension of ['campaign', 'entry_path', 'plan']) {
      expect(lines.filter((line) => line.includes(dimension))).to.have.length(1);
    }

    // Of a ClickHouse that is held up for 5 s it says nothing.
    await eventually(
      async () => {
        const { stdout } = await run('status', '--json');
        const { fullDimensions = [] } = JSON.parse(stdout) as Status;
        expect(fullDimensions.filter(({ project }) => project === PROJECT)).to.have.deep.members(
          ['campaign', 'entry_path', 'plan'].map((dimension) => ({
            project: PROJECT,
            day: DAY,
            dimension,
            valuesMax: LIMIT,
          })),
        );
      },
      { withinMs: 60_000 },
    );
  });

  it('leaves the audit silent, and does not hide from it what somebody has changed', async () => {
    const audit = async () => {
      const { code, stdout } = await run('audit', '--project', PROJECT, '--json');
      return { code, finding: JSON.parse(stdout) as Audit };
    };
    const clean = await audit();
    expect(clean.finding.rows).to.deep.equal([]);
    expect(clean.code).to.equal(0);

    const row = {
      ...{ project: PROJECT, granularity: 'day', bucket: `${DAY} 00:00:00` },
      ...{ dimension: 'campaign', dimension_value: OTHER_VALUE },
    };
    const insert = (metric: string, value: number) =>
      admin.insert({
        table: 'sojourn.metrics',
        values: [{ ...row, metric_type: metric, value: String(value), count: value }],
        format: 'JSONEachRow',
      });
    await insert('sessions', 2);
    await insert('revenue', 5);
    const found = await audit();
    expect(found.code).to.equal(1);
    expect(
      found.finding.rows.map(({ metricType, dimension, dimensionValue, inSessions, inMetrics }) => [
        metricType,
        dimension,
        dimensionValue,
        Number(inMetrics) - Number(inSessions),
      ]),
    ).to.have.deep.members([
      ['sessions', 'campaign', OTHER_VALUE, 2],
      ['revenue', 'campaign', '(all)', 5],
    ]);
    await insert('sessions', -2);
    await insert('revenue', -5);
    expect((await audit()).code).to.equal(0);
  });

  it('waits where the view is gone through which it is noted, and goes on when it is back', async () => {
    const view = 'sojourn.full_dimensions_intake';
    await pipeline?.stop();
    await startWith(1);
    await admin.command({ query: `DETACH TABLE ${view} SYNC` });
    try {
      const day = (n: number) => `2026-04-0${n}T10:00:00Z`;
      await publish([1, 2, 3].map((n) => aVisit(100 + n, { timestamp: day(4) })));
      await eventually(
        async () => {
          const { stdout } = await run('status', '--json');
          expect((JSON.parse(stdout) as Status).servers.clickhouse).to.include({
            reachable: false,
          });
          expect(logged()).to.include('SJ_INTAKE_MISSING');
        },
        { withinMs: 60_000 },
      );
      expect(valuesOf(await around.rows(PROJECT), 'plan', '2026-04')).to.have.property('size', 0);
    } finally {
      await admin.command({ query: `ATTACH TABLE ${view}` });
    }
    await allLoaded();
    // Whichever of the three sessions has written first has the one row.
    const values = [...valuesOf(await around.rows(PROJECT), 'plan', '2026-04')];
    expect(values).to.have.length(2);
    expect(values).to.include(OTHER_VALUE);
    expect(values.find((value) => value !== OTHER_VALUE)).to.match(/^plan-10[123]$/);
  });
});

interface AnnouncedRow {
  readonly metricType: string;
  readonly granularity: string;
  readonly bucket: string;
  readonly dimension: string;
  readonly dimensionValue: string;
  readonly value: number;
  readonly count: number;
}

function aVisit(n: number, more: Partial<ReferenceEvent> = {}): ReferenceEvent {
  const isPurchase = n % 3 === 0;
  const plan = `plan-${n}`;
  return {
    project: PROJECT,
    sessionId: `visit-${n}`,
    eventId: 'last',
    eventType: isPurchase ? 'purchase' : 'pageview',
    timestamp: `${DAY}T${String(8 + (n % 5)).padStart(2, '0')}:00:00Z`,
    declared: { plan },
    ...more,
    properties: {
      plan,
      path: `/page-${n}`,
      campaign: `campaign-${n}`,
      country: 'DE',
      ...(n % 4 === 0 && { bot: true }),
      ...(isPurchase && { revenue: `${n}.5`, currency: 'EUR' }),
      ...more.properties,
    },
  };
}

function visits(from: number, to: number): ReferenceEvent[] {
  return Array.from({ length: to - from }, (_, i) => {
    const n = from + i;
    const view = aVisit(n, { eventType: 'pageview', eventId: 'first' });
    return n % 3 === 0 ? [view, aVisit(n)] : [view];
  }).flat();
}

/** Of sessions that have rows of their own, and of those that are in (other), to values of both kinds. */
function corrections(): ReferenceEvent[] {
  return [0, 1, 2, 20, 30, 35].map((n) => {
    const to = n % 2 === 0 ? 3 : 38;
    const plan = `plan-${to}`;
    return aVisit(n, {
      eventId: 'earlier',
      eventType: 'pageview',
      timestamp: `${DAY}T07:00:00Z`,
      declared: { plan },
      properties: { plan, path: `/page-${to}`, campaign: `campaign-${to}` },
    });
  });
}

/** With the values of each bounded dimension added up. */
function withoutBounded(rows: ReferenceRows): ReferenceRows {
  const sums: ReferenceRows = new Map();
  for (const [key, amount] of rows) {
    const [metric = '', granularity = '', bucket = '', dimension = '', ...value] = key.split('|');
    const isBounded = boundedDimensionOf(metric, granularity, dimension) !== undefined;
    const place = isBounded ? '*' : value.join('|');
    addTo(sums, [metric, granularity, bucket, dimension, place].join('|'), amount);
  }
  return sums;
}

function text(rows: ReferenceRows): string[] {
  return Array.from(rows, ([key, { value, count }]) => `${key}: ${value} / ${count}`).sort();
}

/** Values with rows of a dimension, of all metrics that have a bound to them. */
function valuesOf(rows: ReferenceRows, wanted: string, month = DAY.slice(0, 7)): Set<string> {
  const values = new Set<string>();
  for (const key of rows.keys()) {
    const [, , bucket = '', dimension, value = ''] = key.split('|');
    if (bucket.startsWith(month) && (dimension === wanted || dimension === `bot:${wanted}`)) {
      values.add(value);
    }
  }
  return values;
}
