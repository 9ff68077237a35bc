/** What stands once in a request and is in each of its events: it is cut to what is read of it, and bounded. */
import { expect } from 'chai';
import type { CollectDeps } from '../../collect/deps.ts';
import type { OutgoingEvent } from '../../collect/messages.ts';
import { NotNowError } from '../../collect/outlet.ts';
import { BadRequestError } from '../../collect/requests.ts';
import { type CollectServer, startCollector } from '../../collect/server.ts';
import { createTake } from '../../collect/take.ts';
import { NO_COLLECT_WATCH } from '../../collect/watch.ts';
import { silentLog } from '../../platform/log.ts';
import { isFault, type Tracked } from '../../trackers/event.ts';
import { readGa4 } from '../../trackers/ga4.ts';
import { asRead } from '../../trackers/properties.ts';
import { contextAsRead, readSegment } from '../../trackers/segment.ts';
import { readSnowplow } from '../../trackers/snowplow.ts';
import { parseMessage } from '../../workers/ingest/parse-event.ts';

const NOW = Date.parse('2026-11-29T12:00:00Z');
const AT = { receivedAt: NOW };
const PAIR = '😀';
/** Longer than anything is read. */
const LONG = 5_000;

/** What the border reads of events. */
function borderOf(tracked: Tracked): readonly unknown[] {
  return tracked.map((one) => {
    if (isFault(one)) return one.fault;
    const data = Buffer.from(JSON.stringify({ sessionId: 's', ...one.event }));
    const { events, deadLetters } = parseMessage({
      ...{ subject: 'events.shop._', seq: 1, receivedAt: NOW },
      data,
    });
    return [events, deadLetters.map(({ reason }) => reason)];
  });
}

describe('what stands once in a request', () => {
  let collector: CollectServer;
  const sent: Record<string, unknown>[] = [];
  const hashed: string[] = [];
  const outlet = {
    isFull: false,
    figures: { requests: 0, events: 0, bytes: 0, isConnected: true },
    send: (_project: string, events: readonly OutgoingEvent[]) => {
      sent.push(...events.map(({ json }) => JSON.parse(json.toString()) as (typeof sent)[number]));
      return Promise.resolve();
    },
    idle: () => Promise.resolve(),
  };
  const deps: CollectDeps = {
    keys: { projectOf: (key) => (key?.startsWith('key') === true ? 'shop' : undefined) },
    take: createTake({
      outlet,
      sessions: {
        sessionsOf: ({ events }) =>
          Promise.resolve(events.map(() => ({ id: 's', isBefore: false }))),
      },
      say: () => undefined,
    }),
    outlet,
    hashes: {
      of: (parts) => {
        hashed.push(parts.join('\n'));
        return Promise.resolve({ today: 'today', yesterday: undefined });
      },
    },
    log: silentLog,
    say: () => undefined,
    watch: NO_COLLECT_WATCH,
    now: () => NOW,
  };
  before(async () => {
    collector = await startCollector(deps, {
      ...{ host: '127.0.0.1', port: 0, portFlag: '--port', publicUrl: undefined },
      trustedProxies: [],
    });
  });
  after(() => collector.close());
  beforeEach(() => {
    sent.length = 0;
    hashed.length = 0;
  });

  const post = async (path: string, body: object, headers: Record<string, string> = {}) => {
    const { status } = await fetch(`${collector.url}${path}`, {
      ...{ method: 'POST', headers, body: JSON.stringify(body) },
    });
    return status;
  };
  const agent = (ending: string) => `Mozilla/5.0 ${'a'.repeat(LONG)}${ending}`;

  const BODIES: Readonly<Record<string, object>> = {
    '/com.snowplowanalytics.snowplow/tp2': {
      data: [{ e: 'pv', aid: 'key', sid: 's', url: 'https://shop.example/' }],
    },
    '/api/batch': [{ type: 'event', payload: { website: 'key', url: '/' } }],
    '/matomo.php': { requests: ['?idsite=key&url=https://shop.example/'] },
    '/e/': {
      ...{ api_key: 'key', event: '$pageview', distinct_id: 'd' },
      properties: { $lib: 'web' },
    },
  };
  for (const [path, body] of Object.entries(BODIES)) {
    it(`is cut to what is read of it: headers of ${path}`, async () => {
      const headers = { 'user-agent': agent(''), 'accept-language': `de${'-abcd'.repeat(LONG)}` };
      expect(await post(path, body, headers)).to.equal(200);

      expect(sent).to.have.length(1);
      expect(JSON.stringify(sent[0])).to.have.length.within(1_024, LONG);
    });
  }

  it('tells visitors apart by the whole of it, and is hashed once however long it is', async () => {
    const body = { data: [1, 2].map((eid) => ({ e: 'pv', aid: 'key', eid })) };
    const path = '/com.snowplowanalytics.snowplow/tp2';
    for (const ending of ['1', '2']) await post(path, body, { 'user-agent': agent(ending) });
    await post(path, body, { 'user-agent': 'short' });

    expect(new Set(hashed.slice(0, 4))).to.have.property('size', 2);
    expect(hashed.slice(0, 4).join('')).to.have.length.below(500);
    expect(hashed.slice(4)).to.deep.equal(Array(2).fill('127.0.0.1\nshort\nshop'));
  });

  it("is cut in the context of a batch of Segment's, and what is not read is left out", async () => {
    const page = { url: `https://shop.example/${'a'.repeat(LONG)}`, referrer: 'https://x.example' };
    const context = { page, unread: 'u'.repeat(LONG), userAgent: agent('') };
    const batch = [
      { type: 'page', anonymousId: 'a' },
      { type: 'page', anonymousId: 'b', context: { userAgent: 'Own/1.0' } },
    ];
    expect(await post('/v1/batch', { writeKey: 'key', context, batch })).to.equal(200);

    const [first, second] = sent.map(({ properties }) => properties as Record<string, string>);
    expect(first).to.include({ referrer: 'https://x.example' });
    expect(first?.['url']).to.have.length.within(1_024, 2_100);
    expect(first?.['userAgent']).to.have.length.within(1_024, 2_100);
    expect(second).to.include({ referrer: 'https://x.example', userAgent: 'Own/1.0' });
  });

  it("is refused where it is an id of Segment's calls, so long that they would take too much", async () => {
    const [path, context] = ['/v1/batch', { sessionId: '1'.repeat(20_000) }];
    const batch = (count: number) =>
      Array.from({ length: count }, () => ({ type: 'page', anonymousId: 'a' }));
    expect(await post(path, { writeKey: 'key', context, batch: batch(2) })).to.equal(200);
    expect(await post(path, { writeKey: 'key', context, batch: batch(1_000) })).to.equal(413);
    expect(sent).to.have.length(2);
  });

  it("is told of PostHog's events for the first thousand that cannot be read, and each has its result", async () => {
    const batch = Array.from({ length: 1_002 }, (_, n) => ({ uuid: `e-${n}` }));
    const response = await fetch(`${collector.url}/i/v1/analytics/events`, {
      method: 'POST',
      headers: { authorization: 'Bearer key' },
      body: JSON.stringify({ batch }),
    });
    const { results } = (await response.json()) as {
      results: Record<string, { result: string; details?: string }>;
    };
    const all = Object.values(results);
    expect(all.map(({ result }) => result)).to.deep.equal(Array(1_002).fill('drop'));
    expect(all.filter(({ details }) => details !== undefined)).to.have.length(1_000);
  });

  it("is refused where it is Plausible's, for so many domains that it would take too much", async () => {
    const body = (domains: number) => ({
      ...{ n: 'pageview', u: `https://shop.example/?${'a'.repeat(1_000_000)}` },
      d: Array.from({ length: domains }, (_, n) => `key-${n}`).join(),
    });
    expect(await post('/api/event', body(20))).to.equal(413);
    expect(sent).to.have.length(0);
    expect(await post('/api/event', body(2))).to.equal(202);
    expect(sent).to.have.length(2);
  });
});

describe('what is cut of a text that a request has once', () => {
  it('is nothing that the border reads: a user agent', () => {
    for (const userAgent of ['a'.repeat(LONG), PAIR.repeat(LONG), `a${PAIR.repeat(LONG)}`]) {
      const read = (text: string) =>
        borderOf(readSnowplow({ e: 'pv', sid: 's' }, { ...AT, userAgent: text }));
      const cut = asRead(userAgent);
      expect(cut).to.have.length.below(2_100);
      expect(read(cut)).to.deep.equal(read(userAgent));
    }
  });

  const long = 'x'.repeat(LONG);
  const campaign = { source: 'news', medium: 'email', name: 'spring' };
  const CONTEXTS: Readonly<Record<string, object>> = {
    'all that is short': {
      page: { url: 'https://shop.example/a?b#c', path: '/a', referrer: 'https://x.example/' },
      ...{ campaign, screen: { width: 1, height: '2' }, location: { country: 'Germany' } },
      ...{ locale: 'de', app: { version: 3 }, os: { name: 'iOS' }, sessionId: 1_790_000_000_000 },
    },
    'numbers and nothing': { page: { url: 1 }, userAgent: null, user_agent: 'A/1', session_id: '' },
    'what is of no use': { page: 'x', campaign: [1], screen: null, location: 'DE', locale: {} },
    'a library that is the app': {
      app: { name: 'L', version: 3 },
      library: { name: 'L', version: 3 },
    },
    'an address': { page: { url: `https://shop.example/${long}` } },
    'an address, and a campaign': { page: { url: `https://shop.example/?${long}` }, campaign },
    'an address with a fragment': {
      ...{ page: { url: `https://shop.example/#${long}` }, campaign },
    },
    'an address whose tags stand where nothing is read': {
      ...{ page: { url: `https://shop.example/#${long}?utm_source=x` }, campaign },
    },
    'a campaign': { campaign: { source: long, medium: PAIR.repeat(1_500), name: `a${long}` } },
    'a campaign of an address': {
      page: { url: 'https://shop.example/' },
      campaign: { source: PAIR.repeat(LONG), medium: 'm' },
    },
    'a country behind spaces': { location: { country: `${' '.repeat(LONG)}de` } },
    'a country before spaces': { location: { country: `de${' '.repeat(LONG)}x` } },
    'a system': { os: { name: long } },
    'a session': { sessionId: long },
    'a path': { page: { path: `/${PAIR.repeat(LONG)}` } },
  };
  for (const [what, context] of Object.entries(CONTEXTS)) {
    it(`is nothing that the border reads: of a context ${what}`, () => {
      for (const call of [
        { type: 'page', anonymousId: 'a', messageId: 'm' },
        { type: 'page', anonymousId: 'a', properties: { url: 'https://shop.example/own' } },
      ]) {
        const of = (own: object) => borderOf(readSegment({ ...call, context: own }, AT));
        expect(of(contextAsRead(context as Record<string, unknown>))).to.deep.equal(of(context));
      }
    });
  }

  it('leaves an id that is too long too long', () => {
    const read = (fields: object) =>
      readGa4({ client_id: 'c', events: [{ name: 'x' }], ...fields }, AT);
    for (const [fields, name] of [
      [{ client_id: PAIR.repeat(LONG) }, 'visitorId'],
      [{ user_id: 'u'.repeat(LONG) }, 'userId'],
    ] as const) {
      expect(JSON.stringify(read(fields))).to.have.length.below(4_000);
      expect(borderOf(read(fields))).to.deep.equal([
        [[], [`${name} must be 1 to 256 characters long`]],
      ]);
    }
    expect(borderOf(read({ user_id: PAIR.repeat(256) }))[0]).to.have.nested.property(
      '[0].length',
      1,
    );
  });
});

describe('what the events of a request take', () => {
  const SOURCE = { project: 'shop', tracker: 'snowplow', receivedAt: NOW } as const;
  const event = (onMade: () => void) => ({
    ...{ eventType: 'pageview', timestamp: NOW },
    properties: {
      toJSON: () => {
        onMade();
        return { term: 't'.repeat(400) };
      },
    },
  });
  function begin(options: { readonly madeBytesMax?: number; readonly onAsked?: () => void }) {
    let [sent, made] = [0, 0];
    const outlet = {
      isFull: false,
      send: (_project: string, events: readonly OutgoingEvent[]) => {
        sent += events.length;
        return Promise.resolve();
      },
    };
    const take = createTake({
      ...options,
      outlet,
      sessions: {
        sessionsOf: ({ events }) => {
          options.onAsked?.();
          return Promise.resolve(events.map(() => ({ id: 's', isBefore: false })));
        },
      },
      say: () => undefined,
    });
    const run = (count: number) =>
      take(
        SOURCE,
        Array.from({ length: count }, () => ({
          event: event(() => {
            made += 1;
          }),
          visitor: 'v',
        })),
      ).then(
        () => undefined,
        (error: unknown) => error,
      );
    return { outlet, run, figures: () => ({ sent, made }) };
  }

  it('is bounded: beyond that it is refused, and no more is made', async () => {
    const { run, figures } = begin({ madeBytesMax: 1_500 });
    expect(await run(2)).to.equal(undefined);
    expect(figures()).to.deep.equal({ sent: 2, made: 2 });
    expect(await run(100))
      .to.be.instanceOf(BadRequestError)
      .and.include({ status: 413 });
    expect(figures()).to.deep.equal({ sent: 2, made: 2 + 4 });
  });

  it('is not made where others have filled the place while its sessions were asked for', async () => {
    const world = begin({
      onAsked: () => {
        world.outlet.isFull = true;
      },
    });
    expect(await world.run(2))
      .to.be.instanceOf(NotNowError)
      .and.include({ reason: 'full' });
    expect(world.figures()).to.deep.equal({ sent: 0, made: 0 });
  });
});
