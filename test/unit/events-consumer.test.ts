import { DeliverPolicy } from '@nats-io/jetstream';
import { expect } from 'chai';
import { laterBeginning, startOf } from '../../platform/events-consumer.ts';
import { type EventsFrom, parseEventsFrom } from '../../platform/events-from.ts';
import { SojournError } from '../../shared/errors.ts';

const CREATED = '2026-11-28T00:00:00.000000001Z';
const holding = (messages: number) => ({ created: CREATED, state: { messages } });
const ALL = { deliver_policy: DeliverPolicy.All };

describe('a consumer of events that has to be made anew', () => {
  it('begins right after what was acknowledged of this stream', () => {
    expect(startOf(holding(9), { stream: CREATED, seq: 41 })).to.deep.equal({
      deliver_policy: DeliverPolicy.StartSequence,
      opt_start_seq: 42,
    });
  });

  it('begins at the start of a stream that was made anew', () => {
    expect(startOf(holding(9), { stream: '2025-01-01T00:00:00Z', seq: 41 })).to.deep.equal(ALL);
  });

  it('begins at the start of an empty stream', () => {
    expect(startOf(holding(0), undefined)).to.deep.equal(ALL);
  });

  it('asks where to begin where nobody knows', () => {
    expect(() => startOf(holding(1), undefined))
      .to.throw(SojournError, '--events-from <sequence|time|new|all>')
      .with.property('code', 'SJ_MIGRATION');
  });

  it('begins where it is told to, whatever is known', () => {
    const from = (from: EventsFrom) => startOf(holding(9), { stream: CREATED, seq: 41 }, from);
    expect(from('all')).to.deep.equal(ALL);
    expect(from('new')).to.deep.equal({ deliver_policy: DeliverPolicy.New });
    expect(from({ seq: 7 })).to.include({ opt_start_seq: 7 });
    expect(from({ time: new Date(Date.UTC(2026, 0, 1)) })).to.deep.equal({
      deliver_policy: DeliverPolicy.StartTime,
      opt_start_time: '2026-01-01T00:00:00.000Z',
    });
  });

  it('begins later than it is told to where the events of then have gone, and says when', () => {
    const FIRST = '2026-11-27T10:00:00.000000001Z';
    const state = { messages: 9, first_seq: 40, first_ts: FIRST };
    const at = (time: string) => laterBeginning({ state }, { time: new Date(time) });
    expect(at('2026-11-27T09:59:59Z')).to.equal(FIRST);
    expect(at('2026-11-27T10:00:00Z')).to.equal(undefined);
    expect(laterBeginning({ state }, { seq: 39 })).to.equal(FIRST);
    expect(laterBeginning({ state }, { seq: 40 })).to.equal(undefined);
    for (const from of ['all', 'new', undefined] as const) {
      expect(laterBeginning({ state }, from)).to.equal(undefined);
    }
    const empty = { messages: 0, first_seq: 1, first_ts: '0001-01-01T00:00:00Z' };
    expect(laterBeginning({ state: empty }, { seq: 1 })).to.equal(undefined);
  });

  it('is told so in words that can be read', () => {
    expect(parseEventsFrom('17')).to.deep.equal({ seq: 17 });
    expect(parseEventsFrom('2026-01-01T00:00:00Z')).to.deep.equal({
      time: new Date(Date.UTC(2026, 0, 1)),
    });
    expect([parseEventsFrom('all'), parseEventsFrom('new')]).to.deep.equal(['all', 'new']);
    // NATS would take these for times long ago, or to come.
    for (const text of ['2999-01-01T00:00:00Z', '2262-04-12T00:00:00Z', '0001-01-01T00:00:00Z']) {
      expect(parseEventsFrom(text), text).to.equal(undefined);
    }
    for (const text of [
      '',
      '0',
      '-1',
      'yesterday',
      '2026-13-01T00:00:00Z',
      '2026-02-30T00:00:00Z',
      '2026-11-27T10:00:00',
      '1.5',
      '2026',
    ]) {
      expect(parseEventsFrom(text), text).to.deep.equal(
        text === '2026' ? { seq: 2026 } : undefined,
      );
    }
  });
});
