import { expect } from 'chai';
import { announceBatch, updateMessages } from '../../activities/announce-batch.ts';
import { type Contributions, fromWire, type WireRow } from '../../shared/contributions.ts';
import type { Granularity } from '../../shared/buckets.ts';
import { sumRollups } from '../../shared/rollup.ts';
import { ANNOUNCED_BYTES_MAX, MESSAGE_BYTES_MAX } from '../../shared/limits.ts';
import { aRollup, NOON_ISH } from '../support/builders.ts';

interface Message {
  readonly metrics: readonly Record<string, unknown>[];
}

const aRow = (dimensionValue: string, value = '1', granularity: Granularity = 'hour'): WireRow => [
  'page_views',
  granularity,
  NOON_ISH / 1_000,
  'path',
  dimensionValue,
  value,
  1,
];
const paths = (count: number, path: (n: number) => string): Contributions =>
  fromWire(Array.from({ length: count }, (_, n) => aRow(path(n))));
const metricsOf = (message: string) => (JSON.parse(message) as Message).metrics;

describe('an announcement', () => {
  it('is what the contract promises to subscribers', () => {
    const [message = '', ...more] = updateMessages('shop', fromWire([aRow('/a\t"b"')]), NOON_ISH);

    expect(more).to.deep.equal([]);
    expect(JSON.parse(message)).to.deep.equal({
      type: 'metrics_updated',
      project: 'shop',
      timestamp: '2024-03-05T10:00:00.000Z',
      metrics: [
        {
          metricType: 'page_views',
          granularity: 'hour',
          bucket: '2024-03-05T10:00:00.000Z',
          dimension: 'path',
          dimensionValue: '/a\t"b"',
          value: 1,
          count: 1,
        },
      ],
    });
  });

  it('carries values as exact decimal numbers, negative ones too', () => {
    const rows = fromWire([aRow('/a', '-123456789012345678.000000001')]);

    expect(updateMessages('shop', rows, NOON_ISH)[0]).to.include(
      '"value":-123456789012345678.000000001,"count":1}',
    );
  });

  it('tells of minutes and hours only, and nothing where only longer buckets changed', () => {
    const rows = (...granularities: Granularity[]) =>
      fromWire(granularities.map((granularity) => aRow('/', '1', granularity)));

    const [message = ''] = updateMessages(
      'shop',
      rows('minute', 'quarter_hour', 'hour', 'day', 'week'),
      NOON_ISH,
    );
    expect(metricsOf(message).map((m) => m['granularity'])).to.deep.equal(['minute', 'hour']);
    expect(updateMessages('shop', rows('day', 'week', 'month'), NOON_ISH)).to.deep.equal([]);
    expect(updateMessages('shop', new Map(), NOON_ISH)).to.deep.equal([]);
  });

  it('is cut into messages that have each row once', () => {
    const count = Math.ceil(ANNOUNCED_BYTES_MAX / 100);
    const messages = updateMessages(
      'shop',
      paths(count, (n) => `/${n}`),
      NOON_ISH,
    );
    const told = messages.flatMap(metricsOf).map((m) => m['dimensionValue']);

    expect(messages.length).to.be.above(2);
    expect(new Set(told).size).to.equal(count);
    expect(told).to.have.length(count);
  });

  it('never takes more bytes than a NATS server accepts, however long the paths are', () => {
    const long = paths(2_000, (n) => `${n}${'漢'.repeat(1_020)}`);
    const messages = updateMessages('shop', long, NOON_ISH);

    expect(messages.flatMap(metricsOf)).to.have.length(2_000);
    for (const message of messages) {
      expect(Buffer.byteLength(message)).to.be.at.most(MESSAGE_BYTES_MAX);
    }
  });

  it('goes out for each project of a range, under ids that a repetition repeats', async () => {
    const sent: [string, string][] = [];
    const records = [
      aRollup({ rows: [aRow('/')] }),
      aRollup({ rows: [aRow('/')], identity: 'run-2' }),
      aRollup({ rows: [aRow('/')], project: 'blog', identity: 'run-3' }),
    ];
    const log = { sumRange: () => Promise.resolve(sumRollups(records)) };
    const announcer = {
      announce(subject: string, data: string, { messageId }: { messageId: string }) {
        sent.push([`${subject} ${messageId}`, String(metricsOf(data)[0]?.['value'])]);
        return Promise.resolve();
      },
    };
    const range = { partition: 0, log: 'life', from: 1, to: 3 };

    await announceBatch(log, announcer, range, { now: NOON_ISH, isPatient: true });
    await announceBatch(log, announcer, range, { now: NOON_ISH + 60_000, isPatient: true });

    expect(sent.slice(0, 2)).to.have.deep.members([
      ['metrics.updated.shop rollups-0-life-1-3-shop-0', '2'],
      ['metrics.updated.blog rollups-0-life-1-3-blog-0', '1'],
    ]);
    expect(sent.slice(2)).to.deep.equal(sent.slice(0, 2));
  });
});
