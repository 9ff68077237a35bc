import { expect } from 'chai';
import { isConversion, kindOf, normaliseType, type VisitorEvent } from '../../shared/event.ts';
import { EVENT_IDS_MAX } from '../../shared/limits.ts';
import { applyEvents, emptySession, factsOf, isKnown, sessionRows } from '../../shared/session.ts';
import type { SessionFacts } from '../../shared/session-facts.ts';
import { anEvent, inWords, NOON_ISH } from '../support/builders.ts';

function factsAfter(...events: readonly VisitorEvent[]): SessionFacts {
  const state = emptySession();
  applyEvents(state, events);
  const facts = factsOf(state);
  if (facts === undefined) throw new Error('no events, no facts');
  return facts;
}

/** `metric granularity dimension=value: value/count` of the rows an event adds by itself. */
function eventRows(event: VisitorEvent): string[] {
  return lines(inWords(applyEvents(emptySession(), [event])));
}

function lines(wire: ReturnType<typeof inWords>): string[] {
  return wire.map(
    ([metric, granularity, , dimension, dimensionValue, value, count]) =>
      `${metric} ${granularity} ${dimension}=${dimensionValue}: ${value}/${count}`,
  );
}

describe('an event', () => {
  it('is a page view by any of three spellings', () => {
    expect(['pageview', 'pageView', 'page_view'].map(normaliseType)).to.deep.equal(
      Array(3).fill('pageview'),
    );
    expect(['PageView', 'Pageview', 'pageviews', 'session_start'].map(normaliseType)).to.deep.equal(
      ['PageView', 'Pageview', 'pageviews', 'session_start'],
    );
  });

  it('is a heartbeat by any of three spellings', () => {
    expect(['heartbeat', 'ping', 'page_ping'].map(normaliseType)).to.deep.equal(
      Array(3).fill('heartbeat'),
    );
    expect(kindOf(anEvent({ type: 'heartbeat' }))).to.equal('heartbeat');
  });

  it('of a type nobody knows is custom, even if an object has such a property', () => {
    expect(
      ['__proto__', 'constructor', 'Purchase', 'custom'].map((type) => kindOf(anEvent({ type }))),
    ).to.deep.equal(Array(4).fill('custom'));
  });

  it('converts as a purchase or a conversion only', () => {
    const types = ['purchase', 'conversion', 'pageview', 'session_end', 'signup'];
    expect(types.map((type) => isConversion(anEvent({ type })))).to.deep.equal([
      true,
      true,
      false,
      false,
      false,
    ]);
  });
});

describe('the rows of an event', () => {
  it('of a page view are totals by hour and quarter of an hour, and one by path', () => {
    expect(eventRows(anEvent({ path: '/a' }))).to.have.members([
      'page_views hour =: 1/1',
      'page_views_by_quarter quarter_hour =: 1/1',
      'page_views hour path=/a: 1/1',
    ]);
  });

  it('have no dimension for an empty or missing value', () => {
    const totals = ['page_views hour =: 1/1', 'page_views_by_quarter quarter_hour =: 1/1'];

    expect(eventRows(anEvent({ path: '' }))).to.have.members(totals);
    expect(eventRows(anEvent())).to.have.members(totals);
  });

  it('of a purchase are its count, its revenue and its conversion', () => {
    const purchase = anEvent({
      type: 'purchase',
      revenue: '19.99',
      currency: 'EUR',
      conversionType: 'sale',
    });

    expect(eventRows(purchase)).to.have.members([
      'event_count hour event_type=purchase: 1/1',
      'event_count_by_quarter quarter_hour event_type=purchase: 1/1',
      'revenue hour =: 19.99/1',
      'revenue_by_quarter quarter_hour =: 19.99/1',
      'revenue hour currency=EUR: 19.99/1',
      'revenue_by_quarter quarter_hour currency=EUR: 19.99/1',
      'conversion_rate hour conversion_type=sale: 1/1',
    ]);
  });

  it('of a refund take revenue back and still count', () => {
    expect(eventRows(anEvent({ type: 'purchase', revenue: '-5' }))).to.have.members([
      'event_count hour event_type=purchase: 1/1',
      'event_count_by_quarter quarter_hour event_type=purchase: 1/1',
      'revenue hour =: -5/1',
      'revenue_by_quarter quarter_hour =: -5/1',
    ]);
  });

  it('have no revenue where it is zero, missing or on an event that is no conversion', () => {
    const event_count = (type: string) =>
      ['event_count hour', 'event_count_by_quarter quarter_hour'].map(
        (name) => `${name} event_type=${type}: 1/1`,
      );

    expect(eventRows(anEvent({ type: 'purchase', revenue: '0' }))).to.have.members(
      event_count('purchase'),
    );
    expect(eventRows(anEvent({ type: 'conversion' }))).to.have.members(event_count('conversion'));
    expect(eventRows(anEvent({ type: 'tip', revenue: '5' }))).to.have.members(event_count('tip'));
  });

  it('are none for the start and the end of a session', () => {
    expect(eventRows(anEvent({ type: 'session_start' }))).to.deep.equal([]);
    expect(eventRows(anEvent({ type: 'session_end' }))).to.deep.equal([]);
  });
});

describe('a session', () => {
  it('is engaged from exactly ten seconds on', () => {
    const lasting = (ms: number) =>
      factsAfter(anEvent({ type: 'a' }), anEvent({ type: 'b', at: NOON_ISH + ms })).engaged;

    expect(lasting(9_999)).to.equal(false);
    expect(lasting(10_000)).to.equal(true);
  });

  it('is engaged by a second page view, or by a conversion', () => {
    expect(factsAfter(anEvent()).engaged).to.equal(false);
    expect(factsAfter(anEvent(), anEvent()).engaged).to.equal(true);
    expect(factsAfter(anEvent({ type: 'conversion' })).engaged).to.equal(true);
    expect(factsAfter(anEvent({ type: 'click' }), anEvent({ type: 'click' })).engaged).to.equal(
      false,
    );
  });

  it('bounced with exactly one page view and no conversion, however long it lasted', () => {
    expect(factsAfter(anEvent(), anEvent({ type: 'click', at: NOON_ISH + 60_000 }))).to.include({
      bounced: true,
      engaged: true,
    });
    expect(factsAfter(anEvent(), anEvent({ type: 'purchase' })).bounced).to.equal(false);
    expect(factsAfter(anEvent(), anEvent()).bounced).to.equal(false);
    expect(factsAfter(anEvent({ type: 'click' })).bounced).to.equal(false);
  });

  it('is one with heartbeats alone too, and begins with one that is the earliest', () => {
    const beats = [0, 10_000].map((after) =>
      anEvent({ id: `b-${after}`, type: 'heartbeat', at: NOON_ISH + after, country: 'DE' }),
    );
    const alone = factsAfter(...beats);

    expect(alone).to.deep.include({
      firstEventAt: NOON_ISH,
      events: 0,
      heartbeats: 2,
      pageViews: 0,
    });
    expect(alone).to.deep.include({ bounced: false, engaged: true, attributes: { country: 'DE' } });
    expect(lines(inWords(sessionRows(alone)))).to.include.members([
      'sessions hour =: 1/1',
      'engaged_sessions hour =: 1/1',
      'bounce_rate hour =: 0/1',
    ]);
    const early = anEvent({ id: 'early', type: 'heartbeat', at: NOON_ISH - 60_000 });
    expect(factsAfter(anEvent({ at: NOON_ISH }), early)).to.include({
      firstEventAt: NOON_ISH - 60_000,
      durationMs: 60_000,
    });
  });

  it('counts an event once, by its id or by the key kept in its place', () => {
    const view = anEvent({ id: 'same' });
    const long = anEvent({ id: 'x'.repeat(128), key: 'hash' });

    expect(factsAfter(view, { ...view, seq: 99 }, long, { ...long })).to.include({
      events: 2,
      pageViews: 2,
    });
  });

  it('takes each attribute from the earliest event that has it, whatever arrives first', () => {
    const late = anEvent({ at: NOON_ISH + 5, country: 'FR', browser: 'Firefox' });
    const early = anEvent({ at: NOON_ISH, country: 'DE', browser: '' });
    const expected = { country: 'DE', browser: 'Firefox' };

    expect(factsAfter(late, early).attributes).to.deep.equal(expected);
    expect(factsAfter(early, late).attributes).to.deep.equal(expected);
  });

  it('breaks a tie of event times by the smaller event id', () => {
    const [b, a] = [anEvent({ id: 'b', os: 'iOS' }), anEvent({ id: 'a', os: 'Linux' })];

    expect(factsAfter(b, a).attributes.os).to.equal('Linux');
    expect(factsAfter(a, b).attributes.os).to.equal('Linux');
  });

  it('adopts a user who logs in late, and the earliest one of several', () => {
    const view = anEvent();
    const login = anEvent({ at: NOON_ISH + 60_000, userId: 'ann' });
    const other = anEvent({ at: NOON_ISH + 90_000, userId: 'bob' });

    expect(factsAfter(other, view, login).attributes.userId).to.equal('ann');
  });

  it('enters and leaves by the first and last page view with a path', () => {
    const facts = factsAfter(
      anEvent({ at: NOON_ISH + 3, path: '' }),
      anEvent({ at: NOON_ISH + 2, path: '/out' }),
      anEvent({ at: NOON_ISH + 1, path: '/in' }),
      anEvent({ at: NOON_ISH, type: 'click', path: '/no-view' }),
    );

    expect(facts).to.include({ entryPath: '/in', exitPath: '/out' });
    expect(factsAfter(anEvent({ type: 'click', path: '/' }))).not.to.have.any.keys(
      'entryPath',
      'exitPath',
    );
  });

  it('is not split at midnight, nor by a gap, and lies in the buckets of its ends', () => {
    const facts = factsAfter(
      anEvent({ at: Date.parse('2024-03-05T23:59:00Z') }),
      anEvent({ at: Date.parse('2024-03-07T01:30:00.250Z') }),
    );
    const buckets = inWords(sessionRows(facts)).map(([metric, , seconds, , , value]) => [
      metric,
      new Date(seconds * 1_000).toISOString().slice(0, 16),
      value,
    ]);

    expect(buckets).to.have.deep.members([
      ['sessions', '2024-03-05T23:00', '1'],
      ['engaged_sessions', '2024-03-07T01:00', '1'],
      ['bounce_rate', '2024-03-07T01:00', '0'],
      ['avg_session_duration', '2024-03-07T01:00', '91860.25'],
      ['pages_per_session', '2024-03-07T01:00', '2'],
    ]);
  });

  it('files its page views under its attributes by the day of each view', () => {
    const facts = factsAfter(
      anEvent({ at: Date.parse('2024-03-05T23:59:00Z'), country: 'DE' }),
      anEvent({ at: Date.parse('2024-03-06T00:01:00Z') }),
      anEvent({ at: Date.parse('2024-03-06T00:02:00Z'), country: 'FR' }),
    );
    const views = inWords(sessionRows(facts)).filter(([metric]) => metric === 'page_views');

    expect(views).to.have.deep.members([
      ['page_views', 'day', Date.UTC(2024, 2, 5) / 1_000, 'country', 'DE', '1', 1],
      ['page_views', 'day', Date.UTC(2024, 2, 6) / 1_000, 'country', 'DE', '2', 2],
    ]);
  });

  it('carries along by bucket only what is filed under its attributes', () => {
    const { tallies } = factsAfter(
      anEvent({ path: '/a' }),
      anEvent({ type: 'purchase', revenue: '5' }),
      anEvent({ type: 'click' }),
    );

    expect(tallies).to.deep.equal([
      [`page_views day ${Date.UTC(2024, 2, 5)}`, '1', 1],
      [`revenue day ${Date.UTC(2024, 2, 5)}`, '5', 1],
    ]);
  });

  it('counts a user as new or as returning, or not at all while nobody has looked', () => {
    const facts = factsAfter(anEvent({ userId: 'ann' }));
    const users = (newUser?: boolean) =>
      lines(inWords(sessionRows(newUser === undefined ? facts : { ...facts, newUser }))).filter(
        (line) => line.includes('_users'),
      );

    expect(users()).to.deep.equal([]);
    expect(users(true)).to.deep.equal(['new_users day =: 1/1']);
    expect(users(false)).to.deep.equal(['returning_users day =: 1/1']);
  });

  it('sums money exactly', () => {
    const purchases = ['0.1', '0.2', '999999999999999999.999999999', '-0.3'].map((revenue) =>
      anEvent({ type: 'purchase', revenue }),
    );

    expect(factsAfter(...purchases).revenue).to.equal('999999999999999999.999999999');
  });

  it('has no facts without events', () => {
    expect(factsOf(emptySession())).to.equal(undefined);
  });

  it('knows which events are old news', () => {
    const state = emptySession();
    const [known, fresh] = [anEvent(), anEvent()];
    applyEvents(state, [known]);

    expect(isKnown(state, [known])).to.equal(true);
    expect(isKnown(state, [known, fresh])).to.equal(false);
  });
});

describe('the memory of event ids', () => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, n) => anEvent({ id: `id-${n}`, seq: n + 1, type: 'a' }));

  it('keeps everything up to its limit, whatever JetStream has acknowledged', () => {
    const state = emptySession();
    const events = many(EVENT_IDS_MAX);

    applyEvents(state, events, events.length);
    applyEvents(state, events, events.length);

    expect(state.events).to.equal(EVENT_IDS_MAX);
  });

  it('beyond its limit forgets the oldest ids that cannot come again, and only as many as it must', () => {
    const state = emptySession();
    applyEvents(state, many(EVENT_IDS_MAX + 5), 1_000);

    expect(state.ids.size).to.equal(EVENT_IDS_MAX);
    expect(state.ids.has('id-4')).to.equal(false);
    expect(state.ids.has('id-5')).to.equal(true);
  });

  it('forgets nothing that JetStream may still redeliver', () => {
    const state = emptySession();
    const events = many(EVENT_IDS_MAX + 5);

    applyEvents(state, events, 2);
    applyEvents(state, events.slice(2), 2);

    expect(state.ids.size).to.equal(EVENT_IDS_MAX + 3);
    expect(state.events).to.equal(EVENT_IDS_MAX + 5);
  });
});
