/** What trackers' objects become: Segment, RudderStack, PostHog and Snowplow. */
import { expect } from 'chai';
import { countryOf } from '../../trackers/country.ts';
import { fitted, isFault, type RawEvent, type Tracked } from '../../trackers/event.ts';
import { isCookieless, readPosthog } from '../../trackers/posthog.ts';
import { visitOf } from '../../trackers/properties.ts';
import { readSegment } from '../../trackers/segment.ts';
import { readSnowplow } from '../../trackers/snowplow.ts';
import { sessionIdOf, timeOf } from '../../trackers/values.ts';

function only(tracked: Tracked): { event: RawEvent; visitor?: string } {
  const [first] = tracked;
  if (tracked.length !== 1 || first === undefined || isFault(first)) {
    throw new Error(`no single event, but ${JSON.stringify(tracked)}`);
  }
  return first;
}

const faultOf = (tracked: Tracked) => tracked.map((one) => (isFault(one) ? one.fault : '')).join();

const AT = Date.UTC(2026, 2, 1, 10, 0, 0, 120);

describe('a call of Segment', () => {
  const page = {
    type: 'page',
    messageId: 'm-1',
    anonymousId: 'a-1',
    timestamp: '2026-03-01T10:00:00.120Z',
    properties: { url: 'https://shop.example/shoes?utm_source=fb', path: '/shoes', plan: 'gold' },
    context: {
      userAgent: 'Mozilla/5.0 X',
      locale: 'de-DE',
      page: { referrer: 'https://www.facebook.com/' },
      screen: { width: 1920, height: 1080 },
      campaign: { source: 'fb' },
    },
  };

  it('that is a page is a page view of a visitor whose session is not known', () => {
    expect(only(readSegment(page))).to.deep.equal({
      event: {
        eventType: 'pageview',
        timestamp: AT,
        eventId: 'm-1',
        visitorId: 'a-1',
        properties: {
          plan: 'gold',
          url: 'https://shop.example/shoes?utm_source=fb',
          path: '/shoes',
          referrer: 'https://www.facebook.com/',
          userAgent: 'Mozilla/5.0 X',
          language: 'de-DE',
          screen: '1920x1080',
        },
      },
      visitor: 'anonymous:a-1',
    });
  });

  it('has the path that its caller gives it, whatever its address says; a screen its name', () => {
    const pathOf = (call: object) =>
      (only(readSegment({ ...page, ...call })).event['properties'] as RawEvent)['path'];
    const url = 'https://shop.example/#/a';
    const context = { page: { url, path: '/of-the-page' } };

    expect(pathOf({ properties: { url, path: '/mine' }, context })).to.equal('/mine');
    expect(pathOf({ properties: { url }, context })).to.equal('/of-the-page');
    expect(pathOf({ properties: { url } })).to.equal(undefined);
    expect(pathOf({ type: 'screen', name: 'Home', properties: {} })).to.equal('Home');
  });

  it('that completes an order is a purchase with its money', () => {
    const { event } = only(
      readSegment({
        type: 'track',
        event: 'Order Completed',
        userId: 42,
        timestamp: AT,
        properties: { total: 59.9, revenue: 49.9, currency: 'EUR' },
      }),
    );

    expect(event).to.deep.include({ eventType: 'purchase', userId: '42' });
    expect(event['properties']).to.deep.equal({ total: 59.9, revenue: 49.9, currency: 'EUR' });
  });

  it('that tracks anything else carries no money, whatever it calls its properties', () => {
    const { event, visitor } = only(
      readSegment({
        type: 'track',
        event: 'Product Added',
        userId: 'u',
        timestamp: AT,
        properties: { revenue: 'a lot', channel: 'web', items: [1] },
      }),
    );

    expect(event).to.deep.include({ eventType: 'Product Added', properties: {} });
    expect(visitor).to.equal('user:u');
  });

  it('has the time of the sender, corrected by when it was sent', () => {
    const received = { sentAt: AT + 5_000, receivedAt: AT + 65_000 };

    expect(only(readSegment(page, received)).event['timestamp']).to.equal(AT + 60_000);
  });

  it('has the corrected time that an export holds, and is not corrected again', () => {
    const stored = {
      ...page,
      originalTimestamp: '2026-03-01T09:00:00Z',
      sentAt: '2026-03-01T09:00:01Z',
      receivedAt: '2026-03-01T10:00:01.120Z',
    };

    expect(only(readSegment(stored)).event['timestamp']).to.equal(AT);
  });

  it('of RudderStack is in a session that is numbered per visitor', () => {
    const context = { ...page.context, sessionId: 1772359200000 };
    const { event, visitor } = only(readSegment({ ...page, context }));

    expect(event['sessionId']).to.equal('a-1.1772359200000');
    expect(visitor).to.equal(undefined);
  });

  it("has its app's version, but not that of a library that says it is the app", () => {
    const versionOf = (context: object) =>
      (only(readSegment({ ...page, context })).event['properties'] as Record<string, unknown>)[
        'appVersion'
      ];
    const library = { name: 'RudderLabs JavaScript SDK', version: '3.34.1' };

    expect(versionOf({ library, app: { name: 'Shop', version: '1.2' } })).to.equal('1.2');
    expect(versionOf({ library, app: { version: '1.2' } })).to.equal('1.2');
    expect(versionOf({ app: { name: 'Shop', version: '1.2' } })).to.equal('1.2');
    expect(versionOf({ library, app: { ...library, installType: 'npm' } })).to.equal(undefined);
    // A site that has set its own version, and no name.
    expect(versionOf({ library, app: { ...library, version: '1.2' } })).to.equal('1.2');
  });

  it('that says who somebody is is nothing to count', () => {
    expect(readSegment({ type: 'identify', userId: 'u' })).to.deep.equal([]);
    expect(readSegment({ type: 'group', userId: 'u' })).to.deep.equal([]);
  });

  it('that is broken is a fault that names the field', () => {
    expect(faultOf(readSegment(7))).to.contain('JSON object');
    expect(faultOf(readSegment({}))).to.contain('type');
    expect(faultOf(readSegment({ type: 'poke' }))).to.contain('"poke"');
    expect(faultOf(readSegment({ type: 'track', userId: 'u', timestamp: AT }))).to.contain('event');
    expect(faultOf(readSegment({ type: 'page', timestamp: AT }))).to.contain('anonymousId');
    expect(faultOf(readSegment({ ...page, timestamp: 'soon' }))).to.contain('timestamp');
  });
});

describe('an event of PostHog', () => {
  const viewed = {
    event: '$pageview',
    uuid: '0195-1',
    distinct_id: 'd-1',
    timestamp: '2026-03-01T10:00:00.120Z',
    properties: {
      $session_id: '0195-s',
      $device_id: 'd-1',
      $is_identified: false,
      $current_url: 'https://shop.example/shoes',
      $referrer: '$direct',
      $raw_user_agent: 'Mozilla/5.0 X',
      $browser: 'Chrome',
      $geoip_country_code: 'DE',
      $screen_width: 390,
      $screen_height: 844,
      utm_source: 'fb',
      plan: 'gold',
    },
  };

  it('that is a page view has its session, device and campaign', () => {
    expect(only(readPosthog(viewed)).event).to.deep.equal({
      eventType: 'pageview',
      sessionId: '0195-s',
      timestamp: AT,
      eventId: '0195-1',
      visitorId: 'd-1',
      properties: {
        plan: 'gold',
        url: 'https://shop.example/shoes?utm_source=fb',
        userAgent: 'Mozilla/5.0 X',
        country: 'DE',
        screen: '390x844',
      },
    });
  });

  it('has the path that it says beside its address', () => {
    const properties = { ...viewed.properties, $pathname: '/mine' };

    expect(only(readPosthog({ ...viewed, properties })).event['properties']).to.include({
      url: 'https://shop.example/shoes?utm_source=fb',
      path: '/mine',
    });
  });

  describe('of a script that keeps nothing in the browser', () => {
    const nobody = { $device_id: null, $cookieless_mode: true, $is_identified: false };
    const cookieless = { ...viewed, distinct_id: '$posthog_cookieless', properties: nobody };

    it('is of the visitor whom its request tells, in no session of its own', () => {
      expect(isCookieless(cookieless)).to.equal(true);
      const { event, visitor } = only(readPosthog(cookieless, { visitor: 'hash' }));

      expect(visitor).to.equal('hash');
      expect(event).not.to.have.any.keys('sessionId', 'userId', 'visitorId');
    });

    it('keeps that visitor when they log in', () => {
      const properties = { ...nobody, $is_identified: true };
      const login = { ...cookieless, distinct_id: 'u-9', properties };
      const { event, visitor } = only(readPosthog(login, { visitor: 'hash' }));

      expect(visitor).to.equal('hash');
      expect(event['userId']).to.equal('u-9');
    });

    it('is of nobody where no request tells', () => {
      expect(faultOf(readPosthog(cookieless))).to.contain('distinct_id');
      expect(isCookieless(viewed)).to.equal(false);
    });
  });

  it('has a user once they were identified', () => {
    const properties = { ...viewed.properties, $is_identified: true };

    expect(only(readPosthog({ ...viewed, distinct_id: 'u-9', properties })).event).to.include({
      userId: 'u-9',
      visitorId: 'd-1',
    });
  });

  it('may hold its properties as text, as Parquet does', () => {
    const stored = {
      ...viewed,
      timestamp: new Date(AT),
      properties: JSON.stringify(viewed.properties),
    };

    expect(readPosthog(stored)).to.deep.equal(readPosthog(viewed));
  });

  it('of a server has no session, and a person', () => {
    const purchase = {
      event: 'purchase',
      distinct_id: 'u-9',
      timestamp: '2026-03-01 10:00:00.120000',
      properties: { revenue: 12.5, currency: 'EUR' },
    };

    expect(only(readPosthog(purchase))).to.deep.equal({
      event: {
        eventType: 'purchase',
        timestamp: AT,
        userId: 'u-9',
        properties: { revenue: 12.5, currency: 'EUR' },
      },
      visitor: 'u-9',
    });
  });

  it('is corrected by when it was sent, or placed by its offset', () => {
    const received = { sentAt: AT + 1_000, receivedAt: AT + 4_000 };
    const { timestamp: _, ...untimed } = viewed;

    expect(only(readPosthog(viewed, received)).event['timestamp']).to.equal(AT + 3_000);
    expect(only(readPosthog({ ...untimed, offset: 500 }, received)).event['timestamp']).to.equal(
      AT + 3_500,
    );
  });

  it('of a server has no browser and no system: those that it says are its own', () => {
    const properties = { $lib: 'posthog-python', $os: 'Linux', $session_id: 's-1' };
    const systemOf = (more: object) =>
      only(readPosthog({ ...viewed, properties: { ...properties, ...more } })).event;
    expect(systemOf({})).to.have.nested.property('properties.os', 'Linux');
    expect(systemOf({ $is_server: true })).not.to.have.nested.property('properties.os');
  });

  it("of PostHog's own is a sign of life, or nothing", () => {
    expect(only(readPosthog({ ...viewed, event: '$pageleave' })).event['eventType']).to.equal(
      'heartbeat',
    );
    expect(readPosthog({ ...viewed, event: '$identify' })).to.deep.equal([]);
    expect(readPosthog({ ...viewed, event: '$web_vitals' })).to.deep.equal([]);
  });
});

describe('a payload of Snowplow', () => {
  const viewed = {
    e: 'pv',
    eid: 'e-1',
    url: 'https://shop.example/shoes',
    refr: 'https://news.example/',
    duid: 'd-1',
    sid: 's-1',
    dtm: String(AT),
    stm: String(AT + 1_000),
    res: '390x844',
    lang: 'de',
  };

  it('that is a page view has its session, and the corrected time', () => {
    const request = { receivedAt: AT + 61_000, userAgent: 'Mozilla/5.0 X' };

    expect(only(readSnowplow(viewed, request)).event).to.deep.equal({
      eventType: 'pageview',
      sessionId: 's-1',
      timestamp: AT + 60_000,
      eventId: 'e-1',
      visitorId: 'd-1',
      properties: {
        url: 'https://shop.example/shoes',
        referrer: 'https://news.example/',
        userAgent: 'Mozilla/5.0 X',
        language: 'de',
        screen: '390x844',
      },
    });
  });

  it('keeps the true time where it has one', () => {
    const true_ = { ...viewed, ttm: String(AT - 9_000) };

    expect(only(readSnowplow(true_, { receivedAt: AT })).event['timestamp']).to.equal(AT - 9_000);
  });

  const entity = (name: string, data: object) => ({
    schema: `iglu:com.example/${name}/jsonschema/1-0-0`,
    data,
  });
  const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

  it('that describes itself is an event of that name, in the session of its context', () => {
    const { sid: _, ...rest } = viewed;
    const { event } = only(
      readSnowplow({
        ...rest,
        e: 'ue',
        ue_px: encoded({ data: entity('video_played', { title: 'x' }) }),
        co: JSON.stringify({
          data: [entity('client_session', { sessionId: 's-2', userId: 'c-2' })],
        }),
      }),
    );

    expect(event).to.deep.include({ eventType: 'video_played', sessionId: 's-2' });
    expect(event['properties']).to.include({ title: 'x' });
  });

  it('that is a transaction is a purchase, the old way and the new', () => {
    const old = only(readSnowplow({ ...viewed, e: 'tr', tr_tt: '59.90', tr_cu: 'EUR' })).event;
    const fresh = only(
      readSnowplow({
        ...viewed,
        e: 'ue',
        ue_pr: JSON.stringify({
          data: entity('snowplow_ecommerce_action', { type: 'transaction' }),
        }),
        cx: encoded({ data: [entity('transaction', { revenue: 59.9, currency: 'EUR' })] }),
      }),
    ).event;

    expect(old['eventType']).to.equal('purchase');
    expect(old['properties']).to.include({ revenue: '59.90', currency: 'EUR' });
    expect(fresh['eventType']).to.equal('purchase');
    expect(fresh['properties']).to.include({ revenue: 59.9, currency: 'EUR' });
    expect(readSnowplow({ ...viewed, e: 'ti' })).to.deep.equal([]);
  });

  it('that the list of spiders knows is a bot', () => {
    const cx = encoded({ data: [entity('spiders_and_robots', { spiderOrRobot: true })] });

    expect(only(readSnowplow({ ...viewed, cx })).event['properties']).to.include({ bot: true });
  });

  it('of anonymous tracking is of the visitor whom its request tells, unless a server sent it', () => {
    const { sid: _s, duid: _d, ...rest } = viewed;
    const { event, visitor } = only(readSnowplow({ ...rest, p: 'web' }, { visitor: 'hash' }));

    expect(visitor).to.equal('hash');
    expect(event).not.to.have.any.keys('sessionId', 'userId', 'visitorId');
    expect(only(readSnowplow(viewed, { visitor: 'hash' })).visitor).to.equal(undefined);
    expect(faultOf(readSnowplow({ ...rest, p: 'srv' }, { visitor: 'hash' }))).to.contain('sid');
  });

  it('without a session or a visitor is a fault', () => {
    const { sid: _s, duid: _d, ...rest } = viewed;

    expect(faultOf(readSnowplow(rest))).to.contain('sid');
    expect(faultOf(readSnowplow({ ...viewed, e: 'xx' }))).to.contain('"xx"');
    expect(faultOf(readSnowplow({ ...viewed, e: 'ue', ue_px: '!' }))).to.contain('ue_px');
    expect(faultOf(readSnowplow({ ...viewed, dtm: 'then' }))).to.contain('dtm');
  });
});

describe('an event as the border takes it', () => {
  const fit = (eventType: unknown) => fitted({ eventType, sessionId: 's' })['eventType'];

  it('has a name of 64 characters at most, cut between them', () => {
    expect(fit('n'.repeat(64))).to.equal('n'.repeat(64));
    expect(fit('n'.repeat(65))).to.equal('n'.repeat(64));
    expect(fit('😀'.repeat(64))).to.equal('😀'.repeat(64));
    expect(fit(`n${'😀'.repeat(500)}`)).to.equal(`n${'😀'.repeat(63)}`);
    expect(fit(7)).to.equal(7);
  });

  it('has an id of 128 characters at most: of a longer one its hash, the same one each time', () => {
    const idOf = (eventId: string) => fitted({ eventType: 'x', eventId })['eventId'];
    const order = `order:${'7'.repeat(200)}`;

    expect(idOf('i'.repeat(128))).to.equal('i'.repeat(128));
    expect(idOf('😀'.repeat(128))).to.equal('😀'.repeat(128));
    expect(idOf(order))
      .to.match(/^[\w-]{43}$/)
      .and.equal(idOf(order));
    expect(idOf(`${order}8`)).to.not.equal(idOf(order));
    expect(idOf('😀'.repeat(129))).to.have.lengthOf(43);
    const half = `${'h'.repeat(128)}\ud800`;
    expect(idOf(half)).to.equal(half);
  });

  it('is the same one where it fits', () => {
    const event = { eventType: 'pageview', eventId: 'e' };
    expect(fitted(event)).to.equal(event);
  });
});

describe('values of trackers', () => {
  it('are times in every usual form, to the millisecond', () => {
    for (const text of [
      '2026-03-01T10:00:00.120Z',
      '2026-03-01T11:00:00.120+01:00',
      '2026-03-01T11:00:00.120+0100',
      '2026-03-01 10:00:00.120999',
      '2026-03-01 10:00:00.120 UTC',
      '2026-03-01 10:00:00.12+00',
      String(AT),
      AT,
      AT + 0.7,
      BigInt(AT),
      new Date(AT),
    ]) {
      expect(timeOf(text), String(text)).to.equal(AT);
    }
  });

  it('are no times where they would be seconds, or nothing', () => {
    for (const value of [
      '',
      ' ',
      'now',
      '2026-02-30T10:00:00Z',
      '1772359200',
      1772359200,
      NaN,
      null,
      {},
      new Date(NaN),
    ]) {
      expect(timeOf(value), typeof value).to.equal(undefined);
    }
  });

  it('are countries by code, and by the names that tools write', () => {
    expect(
      ['de', 'Germany', 'United States', 'Türkiye', 'Turkey', 'Czechia'].map(countryOf),
    ).to.deep.equal(['DE', 'DE', 'US', 'TR', 'TR', 'CZ']);
    expect(
      ['Côte d’Ivoire', 'Hong Kong', 'Myanmar (Burma)', 'United Kingdom'].map(countryOf),
    ).to.deep.equal(['CI', 'HK', 'MM', 'GB']);
    expect(countryOf('(not set)')).to.equal(undefined);
    expect(countryOf('Atlantis')).to.equal('Atlantis');
  });

  it('put a campaign into an address that has none', () => {
    expect(visitOf('https://a.example/p?q=1#x', { source: 'fb', name: 'may day' })).to.deep.equal({
      url: 'https://a.example/p?q=1&utm_source=fb&utm_campaign=may%20day#x',
    });
    expect(visitOf('/p?utm_medium=cpc', { source: 'fb' })).to.deep.equal({
      url: '/p?utm_medium=cpc',
    });
  });

  it('are session ids that fit, whatever their parts', () => {
    expect(sessionIdOf('v'.repeat(200), '1')).to.have.lengthOf(43);
    expect(sessionIdOf('v'.repeat(200), '1')).not.to.equal(sessionIdOf('v'.repeat(201), '1'));
  });
});

describe('what broken pages write for an id', () => {
  const NO_IDS = ['undefined', 'null', 'NaN', 'None', '[object Object]'];
  const page = { type: 'page', timestamp: AT, anonymousId: 'a' };
  const viewed = { event: '$pageview', timestamp: AT, distinct_id: 'd' };
  const payload = { e: 'pv', dtm: String(AT), sid: 's', duid: 'd' };

  for (const no of NO_IDS) {
    it(`"${no}" is none in a call of Segment: of nobody, and in no session`, () => {
      expect(faultOf(readSegment({ ...page, anonymousId: no }))).to.contain('anonymousId');
      const call = { ...page, userId: no, messageId: no, context: { sessionId: no } };
      const { event, visitor } = only(readSegment(call));

      expect(event).not.to.have.any.keys('sessionId', 'userId', 'eventId');
      expect(visitor).to.equal('anonymous:a');
      expect(only(readSegment({ ...page, anonymousId: no, userId: 'u' })).visitor).to.equal(
        'user:u',
      );
    });

    it(`"${no}" is none in an event of PostHog`, () => {
      expect(faultOf(readPosthog({ ...viewed, distinct_id: no }))).to.contain('distinct_id');
      const properties = { $session_id: no, $device_id: no, $user_id: no, $is_identified: false };
      const { event, visitor } = only(readPosthog({ ...viewed, uuid: no, properties }));

      expect(event).not.to.have.any.keys('sessionId', 'userId', 'eventId');
      expect(event['visitorId']).to.equal('d');
      expect(visitor).to.equal('d');
    });

    it(`"${no}" is none in a payload of Snowplow`, () => {
      const { event, visitor } = only(
        readSnowplow({ ...payload, sid: no, uid: no, eid: no, tnuid: no }),
      );

      expect(event).not.to.have.any.keys('sessionId', 'userId', 'eventId');
      expect(visitor).to.equal('d');
      expect(faultOf(readSnowplow({ ...payload, sid: no, duid: no }))).to.contain('sid');
    });
  }
});
