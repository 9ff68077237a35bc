import { expect } from 'chai';
import fc from 'fast-check';
import { bucketOf, type Granularity, GRANULARITIES } from '../../shared/buckets.ts';

const at = (iso: string) => Date.parse(iso);
const iso = (ms: number) => new Date(ms).toISOString();

describe('a time bucket', () => {
  const starts: readonly [time: string, granularity: Granularity, start: string][] = [
    ['2024-02-29T23:59:59.999Z', 'minute', '2024-02-29T23:59:00.000Z'],
    ['2024-02-29T23:59:59.999Z', 'quarter_hour', '2024-02-29T23:45:00.000Z'],
    ['2024-02-29T23:44:59.999Z', 'quarter_hour', '2024-02-29T23:30:00.000Z'],
    ['2024-02-29T23:15:00.000Z', 'quarter_hour', '2024-02-29T23:15:00.000Z'],
    ['2024-02-29T23:59:59.999Z', 'hour', '2024-02-29T23:00:00.000Z'],
    ['2024-02-29T23:59:59.999Z', 'day', '2024-02-29T00:00:00.000Z'],
    ['2024-02-29T23:59:59.999Z', 'week', '2024-02-25T00:00:00.000Z'],
    ['2024-02-29T23:59:59.999Z', 'month', '2024-02-01T00:00:00.000Z'],
    ['2024-03-01T00:00:00.000Z', 'month', '2024-03-01T00:00:00.000Z'],
    ['2024-03-02T23:59:59.999Z', 'week', '2024-02-25T00:00:00.000Z'],
    ['2024-03-03T00:00:00.000Z', 'week', '2024-03-03T00:00:00.000Z'],
    ['2023-12-31T12:00:00.000Z', 'week', '2023-12-31T00:00:00.000Z'],
    ['2024-01-01T00:00:00.000Z', 'week', '2023-12-31T00:00:00.000Z'],
    ['1970-01-01T00:00:00.000Z', 'week', '1970-01-01T00:00:00.000Z'],
    ['1970-01-03T23:59:59.999Z', 'week', '1970-01-01T00:00:00.000Z'],
    ['1970-01-04T00:00:00.000Z', 'week', '1970-01-04T00:00:00.000Z'],
    ['1970-01-31T00:00:00.000Z', 'month', '1970-01-01T00:00:00.000Z'],
  ];
  for (const [time, granularity, start] of starts) {
    it(`of ${time} by ${granularity} starts at ${start}`, () => {
      expect(iso(bucketOf(at(time), granularity))).to.equal(start);
    });
  }

  it('is its own bucket, holds what it is the bucket of, and never starts before 1970', () => {
    const time = fc.integer({ min: 0, max: Date.UTC(2100, 0, 1) });
    fc.assert(
      fc.property(time, fc.constantFrom(...GRANULARITIES), (ms, granularity) => {
        const start = bucketOf(ms, granularity);
        expect(start).to.be.within(0, ms);
        expect(bucketOf(start, granularity)).to.equal(start);
        expect(new Date(start).getUTCSeconds()).to.equal(0);
      }),
    );
  });
});
