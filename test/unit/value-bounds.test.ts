import { expect } from 'chai';
import { BOUNDED_METRICS, boundedDimensionOf, catalogueOf } from '../../shared/catalogue.ts';
import { type Contributions, fromWire, toWire } from '../../shared/contributions.ts';
import {
  admit,
  broughtValues,
  dayValuesText,
  fileOthers,
  OTHER_VALUE,
} from '../../shared/value-bounds.ts';

const DAY = Date.UTC(2024, 2, 5);
const HOUR_MS = 3_600_000;
const DAYS = DAY / (24 * HOUR_MS);

const known = (...values: string[]) => ({ values: new Set(values), isFull: false });

describe('which dimensions have a bound', () => {
  it('are those that are not in the table of the contract', () => {
    const inTable = [
      ...['page_views hour ', 'page_views hour path', 'sessions hour '],
      ...['device_type', 'traffic_source', 'browser', 'os', 'country'].map(
        (dimension) => `page_views day ${dimension}`,
      ),
      ...['traffic_source', 'device_type', 'country'].map((d) => `sessions day ${d}`),
      ...['engaged_sessions hour ', 'engaged_sessions day traffic_source'],
      ...['event_count hour event_type', 'revenue hour ', 'revenue hour currency'],
      'conversion_rate hour conversion_type',
    ];
    for (const line of inTable) {
      const [metric = '', granularity = '', dimension = ''] = line.split(' ');
      expect(boundedDimensionOf(metric, granularity, dimension), line).to.equal(undefined);
    }
  });

  it('are the splits that came later, what projects declare, and what is from bots of them', () => {
    for (const dimension of ['channel', 'campaign', 'entry_path', 'browser', 'os', 'plan']) {
      expect(boundedDimensionOf('sessions', 'day', dimension)).to.equal(dimension);
      expect(boundedDimensionOf('revenue', 'day', `bot:${dimension}`)).to.equal(dimension);
    }
    expect(boundedDimensionOf('page_views', 'hour', 'plan')).to.equal('plan');
  });

  it('are not those that views put together with rows of the contract, nor totals of bots', () => {
    for (const line of [
      'event_count_by_quarter quarter_hour event_type',
      'event_count hour bot:event_type',
      'page_views hour bot:path',
      'page_views day bot:browser',
      'sessions hour audience',
    ]) {
      const [metric = '', granularity = '', dimension = ''] = line.split(' ');
      expect(boundedDimensionOf(metric, granularity, dimension), line).to.equal(undefined);
    }
  });

  it('are of metrics that are listed, and no others', () => {
    const { eventMetrics, sessionMetrics } = catalogueOf(3);
    const listed = new Set(BOUNDED_METRICS.map((pair) => pair.join(' ')));

    expect([...listed]).to.have.members([
      ...['page_views hour', 'event_count hour', 'revenue day', 'sessions day'],
      ...['engaged_sessions day', 'bounce_rate day'],
      ...['page_views_by_quarter quarter_hour', 'event_count_by_quarter quarter_hour'],
    ]);
    for (const { metric, granularity } of [...eventMetrics, ...sessionMetrics]) {
      if (listed.has(`${metric} ${granularity}`)) continue;
      for (const dimension of ['campaign', 'plan']) {
        // Nothing files these there.
        expect(boundedDimensionOf(metric, granularity, dimension)).to.equal(dimension);
      }
    }
  });
});

describe('a set of values', () => {
  it('takes what is new as long as there is room', () => {
    expect(admit(known('a'), ['b', 'a', 'c'], 3)).to.deep.equal({
      fresh: ['b', 'c'],
      isFull: false,
    });
  });

  it('is full with the first value that is too much, and takes those before it', () => {
    expect(admit(known('a'), ['b', 'c', 'd'], 2)).to.deep.equal({ fresh: ['b'], isFull: true });
    expect(admit(known('a', 'b'), ['b', 'a'], 2)).to.deep.equal({ fresh: [], isFull: false });
  });

  it('takes nothing once it is full, whatever is allowed', () => {
    const full = { ...known('a'), isFull: true };

    expect(admit(full, ['b'], 10)).to.deep.equal({ fresh: [], isFull: true });
  });

  it('keeps what it had before there was a bound', () => {
    expect(admit(known('a', 'b', 'c'), ['d'], 2)).to.deep.equal({ fresh: [], isFull: true });
    expect(admit(known('a', 'b', 'c'), ['a'], 2)).to.deep.equal({ fresh: [], isFull: true });
  });
});

describe('values of a range', () => {
  const at = (hour: number) => DAY + hour * HOUR_MS;
  const rows = fromWire([
    [`sessions|day|${DAY}|campaign|spring`, '1', 1],
    [`revenue|day|${DAY}|bot:campaign|autumn|5`, '2.5', 1],
    [`sessions|day|${DAY}|country|DE`, '1', 1],
    [`page_views|hour|${at(3)}|plan|pro`, '1', 1],
    [`page_views|hour|${at(23)}|plan|free`, '1', 1],
    [`page_views|hour|${at(24)}|plan|pro`, '1', 1],
    [`page_views|hour|${at(24)}|plan|(other)`, '1', 1],
    [`page_views|hour|${at(24)}|path|/`, '1', 1],
  ]);

  it('are those of a day of UTC, of all metrics and of bots together', () => {
    const brought = broughtValues(new Map([['shop', rows]]));

    expect(
      Object.fromEntries(brought.map(({ set, values }) => [dayValuesText(set), [...values]])),
    ).to.deep.equal({
      [`shop ${DAYS} campaign`]: ['spring', 'autumn|5'],
      [`shop ${DAYS} plan`]: ['pro', 'free'],
      [`shop ${DAYS + 1} plan`]: ['pro'],
    });
  });

  it('go to (other) where they have no rows of their own, and add up there', () => {
    const more: Contributions = new Map([
      ...rows,
      ...fromWire([[`sessions|day|${DAY}|campaign|summer`, '4', 4]]),
      ...fromWire([[`sessions|day|${DAY}|campaign|winter`, '-1', -1]]),
    ]);

    const filed = fileOthers(new Map([['shop', more]]), ({ day, dimension }) =>
      day === DAYS && dimension === 'campaign' ? new Set(['spring']) : undefined,
    );

    expect(toWire(filed.get('shop') ?? new Map())).to.have.deep.members([
      [`sessions|day|${DAY}|campaign|spring`, '1', 1],
      [`sessions|day|${DAY}|campaign|${OTHER_VALUE}`, '3', 3],
      [`revenue|day|${DAY}|bot:campaign|${OTHER_VALUE}`, '2.5', 1],
      ...toWire(rows).filter(([key]) => !key.includes('campaign')),
    ]);
  });

  it('that come to nothing under (other) make no row', () => {
    const moved = fromWire([
      [`sessions|day|${DAY}|campaign|a`, '1', 1],
      [`sessions|day|${DAY}|campaign|b`, '-1', -1],
    ]);

    expect(fileOthers(new Map([['shop', moved]]), () => new Set()).get('shop')).to.have.property(
      'size',
      0,
    );
  });
});
