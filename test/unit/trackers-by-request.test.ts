/** Trackers whose requests name no session: what each becomes, field by field. */
import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { readGa4 } from '../../trackers/ga4.ts';
import { readMatomo } from '../../trackers/matomo.ts';
import { readPlausible, sitesOfPlausible } from '../../trackers/plausible.ts';
import { readUmami, siteOfUmami } from '../../trackers/umami.ts';

const NOW = Date.parse('2026-11-29T12:00:00Z');
const REQUEST = { receivedAt: NOW, userAgent: 'Agent/1.0', visitor: 'hash' };

describe('Plausible', () => {
  const body = { n: 'pageview', u: 'https://shop.example/a', d: 'Shop.example, all.example ' };

  it('counts at the moment of arrival, for each site', () => {
    expect(sitesOfPlausible(body)).to.deep.equal(['shop.example', 'all.example']);
    expect(readPlausible({ ...body, r: 'https://www.google.com/' }, REQUEST)).to.deep.equal([
      {
        event: {
          eventType: 'pageview',
          timestamp: NOW,
          properties: {
            url: 'https://shop.example/a',
            referrer: 'https://www.google.com/',
            userAgent: 'Agent/1.0',
          },
        },
        visitor: 'hash',
      },
    ]);
  });

  it('has paths without escapes, and with the fragment where pages are told by it', () => {
    const pathOf = (u: string, more: object = {}) => {
      const [tracked] = readPlausible({ ...body, u, ...more }, REQUEST);
      return tracked !== undefined && 'event' in tracked
        ? (tracked.event['properties'] as Record<string, unknown>)['path']
        : tracked;
    };
    const app = 'https://shop.example/app?x=1#/shoes%20new';

    expect(pathOf('https://shop.example/sch%C3%B6n?x=%20')).to.equal('/schön');
    expect(pathOf('https://shop.example/100%')).to.equal('/100%');
    expect(pathOf(app)).to.equal(undefined);
    expect(pathOf(app, { h: 1 })).to.equal('/app#/shoes new');
    expect(pathOf(app, { hashMode: true })).to.equal('/app#/shoes new');
    expect(pathOf(app, { h: 0 })).to.equal(undefined);
    expect(pathOf('not an address', { h: 1 })).to.equal(undefined);
  });

  it('has JSON inside of JSON, and objects', () => {
    for (const p of [{ plan: 'pro' }, '{"plan":"pro"}']) {
      const [tracked] = readPlausible({ ...body, p }, REQUEST);
      expect(tracked).to.have.nested.property('event.properties.plan', 'pro');
    }
  });

  it('has conversions where there is revenue, purchases by their name, heartbeats while a page is read', () => {
    const kind = (name: string, revenue?: object) =>
      readPlausible({ ...body, n: name, revenue }, REQUEST).map(
        (one) => 'event' in one && one.event['eventType'],
      )[0];
    const money = { amount: '9.90', currency: 'EUR' };
    expect(kind('Signup', money)).to.equal('conversion');
    expect(kind('Purchase', money)).to.equal('purchase');
    expect(kind('purchase', money)).to.equal('purchase');
    expect(kind('engagement', money)).to.equal('heartbeat');
    expect(kind('Signup')).to.equal('Signup');
    expect(kind('engagement')).to.equal('heartbeat');
    const [tracked] = readPlausible({ ...body, n: 'Signup', $: money }, REQUEST);
    expect(tracked).to.have.nested.property('event.properties.conversionType', 'Signup');
    expect(tracked).to.have.nested.property('event.properties.revenue', '9.90');
  });

  it('is at fault without a name or an address', () => {
    expect(readPlausible({ u: 'x' }, REQUEST)).to.deep.equal([{ fault: 'name is required' }]);
    expect(readPlausible({ n: 'x' }, REQUEST)).to.deep.equal([{ fault: 'url is required' }]);
    expect(readPlausible([], REQUEST)[0]).to.have.property('fault');
  });
});

describe('Umami', () => {
  const payload = { website: 'ABC', hostname: 'shop.example', url: '/a?x=1', language: 'de' };

  it('has addresses that are paths, and times in seconds', () => {
    expect(siteOfUmami({ payload })).to.equal('abc');
    expect(
      readUmami({ type: 'event', payload: { ...payload, timestamp: 1_790_000_000 } }, REQUEST),
    ).to.deep.equal([
      {
        event: {
          eventType: 'pageview',
          timestamp: 1_790_000_000_000,
          properties: {
            url: 'https://shop.example/a?x=1',
            userAgent: 'Agent/1.0',
            language: 'de',
          },
        },
        visitor: 'hash',
      },
    ]);
  });

  it('has addresses without a host as they are: their campaign is the border’s to read', () => {
    const propertiesOf = (url: string) => {
      const [tracked] = readUmami({ type: 'event', payload: { website: 'w', url } }, REQUEST);
      return tracked !== undefined && 'event' in tracked ? tracked.event['properties'] : tracked;
    };
    const relative = '/a?utm_source=x';

    expect(propertiesOf(relative)).to.include({ url: relative }).and.not.have.property('path');
    expect(propertiesOf('home')).to.include({ path: 'home' });
  });

  it('has the address of the page, also from scripts that escape it twice', () => {
    const urlOf = (url: string) => {
      const [tracked] = readUmami({ type: 'event', payload: { ...payload, url } }, REQUEST);
      return tracked !== undefined && 'event' in tracked
        ? (tracked.event['properties'] as { url?: string }).url
        : tracked;
    };
    const page = 'https://shop.example/s%C3%BC%C3%9F%20x?utm_campaign=fr%C3%BCh';

    expect(urlOf('/s%C3%BC%C3%9F%20x?utm_campaign=fr%C3%BCh')).to.equal(page);
    expect(urlOf('/s%25C3%25BC%25C3%259F%2520x?utm_campaign=fr%25C3%25BCh')).to.equal(page);
    expect(urlOf('/süß x?utm_campaign=früh')).to.equal(page);
    // One that is about percent.
    expect(urlOf('/100%25')).to.equal('https://shop.example/100%25');
    expect(urlOf('/100%25%20off')).to.equal('https://shop.example/100%25%20off');
  });

  it('has users where a distinct id is given, and nothing to count in identify', () => {
    const [tracked] = readUmami({ type: 'event', payload: { ...payload, id: 'u' } }, REQUEST);
    expect(tracked).to.have.property('visitor', 'id:u');
    expect(tracked).to.have.nested.property('event.userId', 'u');
    expect(readUmami({ type: 'identify', payload }, REQUEST)).to.deep.equal([]);
    expect(readUmami({ type: 'other', payload }, REQUEST)[0]).to.have.property('fault');
    expect(
      readUmami({ type: 'event', payload: { ...payload, timestamp: 1.79e12 } }, REQUEST)[0],
    ).to.have.property('fault');
  });

  it('has conversions and purchases where its data have revenue', () => {
    const kind = (name: string, data: object) => {
      const [tracked] = readUmami({ type: 'event', payload: { ...payload, name, data } }, REQUEST);
      return tracked !== undefined && 'event' in tracked ? tracked.event['eventType'] : tracked;
    };
    expect(kind('signup', { revenue: 5, currency: 'EUR' })).to.equal('conversion');
    expect(kind('purchase', { revenue: 5 })).to.equal('purchase');
    expect(kind('click', {})).to.equal('click');
  });
});

describe('Matomo', () => {
  const read = (parameters: Record<string, string>, isTrusted = false) =>
    readMatomo({ url: 'https://shop.example/', ...parameters }, { ...REQUEST, isTrusted });
  const kindOf = (parameters: Record<string, string>) =>
    read(parameters).map((one) => ('event' in one ? one.event['eventType'] : one.fault))[0];

  it('says what it means by the parameters that are there', () => {
    const cases: readonly (readonly [Record<string, string>, string | undefined])[] = [
      [{}, 'pageview'],
      [{ ping: '1' }, 'heartbeat'],
      [{ e_c: 'video', e_a: 'play' }, 'play'],
      [{ search: 'shoes' }, 'search'],
      [{ link: 'https://x.example/' }, 'outlink'],
      [{ download: 'https://x.example/a.pdf' }, 'download'],
      [{ idgoal: '0', ec_id: 'o', revenue: '1' }, 'purchase'],
      [{ idgoal: '0', revenue: '1' }, 'cart_update'],
      [{ idgoal: '3' }, 'conversion'],
      [{ c_n: 'banner' }, 'content_impression'],
      [{ c_n: 'banner', c_i: 'click' }, 'content_interaction'],
      [{ ca: '1' }, undefined],
    ];
    for (const [parameters, kind] of cases) {
      expect(kindOf(parameters), JSON.stringify(parameters)).to.equal(kind);
    }
  });

  it('has the address as browsers write it, though its script takes the escapes out', () => {
    for (const page of [
      'https://shop.example/s%C3%BC%C3%9F?utm_campaign=fr%C3%BCh#gr%C3%BCn',
      'https://shop.example/a%20b/%22%3C%3E%60%7B%7D/100%25/%F0%9F%98%80',
      "https://shop.example/a-b_c.d!~*'();:@&=+$,/?x=[1]|\\^",
    ]) {
      const [script, server] = [decodeURIComponent(page), page];
      for (const url of [script, server]) {
        expect(read({ url })[0]).to.have.nested.property('event.properties.url', page);
      }
    }
    expect(read({ url: '' })[0]).not.to.have.nested.property('event.properties.url');
  });

  it('names its visitor: by the device, else the user, else by what brought the request', () => {
    const visitorOf = (parameters: Record<string, string>) => read(parameters)[0];
    expect(visitorOf({ _id: 'aa', uid: 'u' })).to.have.property('visitor', 'device:aa');
    expect(visitorOf({ _id: 'aa', cid: 'bb' })).to.have.property('visitor', 'device:bb');
    expect(visitorOf({ uid: 'u' })).to.have.property('visitor', 'user:u');
    expect(visitorOf({})).to.have.property('visitor', 'hash');
  });

  it('speaks of long ago, and of places, with a token only', () => {
    const old = { cdt: '2026-11-01 10:00:00', country: 'de' };
    expect(read(old)[0]).to.have.property('fault');
    expect(read(old, true)[0]).to.have.nested.property('event.properties.country', 'DE');
    expect(read(old, true)[0]).to.have.nested.property(
      'event.timestamp',
      Date.parse('2026-11-01T10:00:00Z'),
    );
    const recent = { cdt: String(NOW / 1_000 - 60), country: 'de' };
    expect(read(recent)[0]).to.have.nested.property('event.timestamp', NOW - 60_000);
    expect(read(recent)[0]).not.to.have.nested.property('event.properties.country');
    expect(read({ cdt: 'yesterday' })[0]).to.have.property('fault');
  });

  it('has campaigns by each of their names: in the query, the fragment, or beside the address', () => {
    const campaignOf = (parameters: Record<string, string>) => {
      const [tracked] = read(parameters);
      return tracked !== undefined && 'event' in tracked
        ? (tracked.event['properties'] as Record<string, unknown>)['campaign']
        : tracked;
    };
    const page = 'https://shop.example/a';
    for (const name of [
      'pk_cpn',
      'pk_campaign',
      'piwik_campaign',
      'mtm_campaign',
      'matomo_campaign',
    ]) {
      expect(campaignOf({ url: `${page}?x=1&${name}=may%20day` }), name).to.equal('may day');
      expect(campaignOf({ url: `${page}#${name}=may` }), name).to.equal('may');
      expect(campaignOf({ [name]: 'may' }), name).to.equal('may');
    }
    expect(campaignOf({ url: `${page}?utm_campaign=b&pk_campaign=a#pk_cpn=c` })).to.equal('a');
    expect(campaignOf({ url: `${page}?utm_campaign=b#pk_cpn=c` })).to.equal(undefined);
    expect(campaignOf({ url: `${page}#utm_campaign=c`, mtm_campaign: 'd' })).to.equal('c');
    expect(campaignOf({ url: `${page}?mtm_campaign=` })).to.equal(undefined);
    // A mark that is not escaped is no end of it.
    expect(campaignOf({ url: `${page}?next=/b?c&mtm_campaign=may` })).to.equal('may');
    expect(campaignOf({ url: `${page}#a#b&mtm_campaign=may` })).to.equal('may');
  });

  it('is the same event when the same request comes again, however long it was queued', () => {
    const idOf = (parameters: Record<string, string>) => {
      const [tracked] = read(parameters);
      return tracked !== undefined && 'event' in tracked ? tracked.event['eventId'] : undefined;
    };
    expect(idOf({ rand: '1' })).to.be.a('string');
    expect(idOf({ rand: '1' })).to.equal(idOf({ token_auth: 't', rand: '1' }));
    expect(idOf({ rand: '1' })).not.to.equal(idOf({ rand: '2' }));
    expect(idOf({})).to.equal(undefined);
    expect(idOf({ idgoal: '0', ec_id: '7' })).to.equal('order:7');
  });
});

describe('GA4', () => {
  const read = (body: object) => readGa4({ client_id: 'c', ...body }, { receivedAt: NOW });

  it('has sessions that are unique together with their client', () => {
    const [first, second] = read({
      user_id: 'u',
      events: [
        {
          name: 'page_view',
          timestamp_micros: NOW * 1_000 - 5_000,
          params: { session_id: 7, page_location: 'https://shop.example/' },
        },
        { name: 'login' },
      ],
    });
    expect(first).to.deep.include({
      event: {
        eventType: 'pageview',
        sessionId: 'c.7',
        timestamp: NOW - 5,
        eventId: (first as { event: { eventId: string } }).event.eventId,
        userId: 'u',
        visitorId: 'c',
        properties: { url: 'https://shop.example/' },
      },
    });
    expect(second).to.deep.include({ visitor: 'c' });
    expect(second).to.have.nested.property('event.timestamp', NOW);
    expect(second).not.to.have.nested.property('event.eventId');
  });

  it('counts an order once by its number, and revenue of purchases only', () => {
    const [purchase, cart] = read({
      events: [
        { name: 'purchase', params: { transaction_id: 't', value: 9.9, currency: 'EUR' } },
        { name: 'add_to_cart', params: { value: 9.9 } },
      ],
    });
    expect(purchase).to.have.nested.property('event.eventId', 'order:t');
    expect(purchase).to.have.nested.property('event.properties.revenue', 9.9);
    expect(cart).not.to.have.nested.property('event.properties.revenue');
  });

  it('has two events where two are equal, and the same two when the request comes again', () => {
    const login = { name: 'login', timestamp_micros: NOW * 1_000, params: { method: 'x' } };
    const idsOf = (...events: readonly object[]) =>
      read({ events }).map((one) => ('event' in one ? one.event['eventId'] : one.fault));
    const ids = idsOf(login, login, { ...login, name: 'sign_up' }, login);

    expect(new Set(ids).size).to.equal(4);
    expect(idsOf(login, login, { ...login, name: 'sign_up' }, login)).to.deep.equal(ids);
    // What it was before equal ones were told apart: a retry may come after an upgrade.
    const text = JSON.stringify(['c', NOW * 1_000, 'login', { method: 'x' }]);
    const before = createHash('sha256').update(text).digest('base64url').slice(0, 22);
    expect(ids[0]).to.equal(before);
    expect(idsOf(login)).to.deep.equal([before]);
  });

  it('says which event is at fault, and takes the others', () => {
    const [bad, good] = read({ events: [{}, { name: 'login' }] });
    expect(bad).to.deep.equal({ fault: 'events[0].name is required' });
    expect(good).to.have.nested.property('event.eventType', 'login');
    expect(readGa4({ events: [] }, { receivedAt: NOW })[0]).to.have.property('fault');
    expect(read({ events: [{ name: 'first_visit' }] })).to.deep.equal([]);
  });
});

describe('what broken pages write for an id', () => {
  for (const no of ['undefined', 'null', 'NaN', 'None', '[object Object]']) {
    it(`"${no}" is none in a request of GA4: the client alone tells whose session it is`, () => {
      const read = (client: string, params: object) =>
        readGa4(
          { client_id: client, user_id: no, events: [{ name: 'purchase', params }] },
          { receivedAt: NOW },
        );
      const [tracked] = read('c', { session_id: no, transaction_id: no });

      expect(tracked).to.have.property('visitor', 'c');
      expect(tracked).to.have.property('event').that.has.not.any.keys('sessionId', 'userId');
      expect(tracked).to.not.have.nested.property('event.eventId');
      expect(read(no, {})).to.deep.equal([{ fault: 'client_id is required' }]);
    });

    it(`"${no}" is none in requests of Umami and Matomo: what brought them tells whose they are`, () => {
      const payload = { website: 'w', url: '/', id: no };
      const [umami] = readUmami({ type: 'event', payload }, REQUEST);
      const parameters = { url: 'https://shop.example/', uid: no, cid: no, _id: no };
      const request = { ...REQUEST, isTrusted: false };
      const [matomo] = readMatomo(parameters, request);

      for (const tracked of [umami, matomo]) {
        expect(tracked).to.have.property('visitor', 'hash');
        expect(tracked).to.have.property('event').that.has.not.any.keys('userId', 'visitorId');
      }
      const [order] = readMatomo({ ...parameters, idgoal: '0', ec_id: no }, request);
      expect(order).to.have.nested.property('event.eventType', 'purchase');
      expect(order).to.not.have.nested.property('event.eventId');
    });
  }
});
