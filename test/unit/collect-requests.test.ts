/** What requests of trackers are to the collector: whose they are, and what it takes of them. */
import { expect } from 'chai';
import { type FastifyInstance, fastify } from 'fastify';
import type { CollectDeps } from '../../collect/deps.ts';
import { createKeys } from '../../collect/keys.ts';
import { addMatomo } from '../../collect/matomo.ts';
import { addPosthog } from '../../collect/posthog.ts';
import { addSegment } from '../../collect/segment.ts';
import { addSnowplow } from '../../collect/snowplow.ts';
import type { OutgoingEvent } from '../../collect/messages.ts';
import { createTake, type Source } from '../../collect/take.ts';
import { NO_COLLECT_WATCH } from '../../collect/watch.ts';
import type { TakenEvent } from '../../imports/frame.ts';
import { type BadRecord, createTaker } from '../../imports/take-records.ts';
import { silentLog } from '../../platform/log.ts';
import { DEFAULT_SETTINGS } from '../../shared/project.ts';
import { isFault, type Tracked } from '../../trackers/event.ts';

const NOW = Date.parse('2026-11-29T12:00:00Z');
const PROJECTS = new Map([['shop', { ...DEFAULT_SETTINGS, collectKeys: ['key', 'secret'] }]]);

interface Taken {
  readonly source: Source;
  readonly tracked: Tracked;
}

/** A collector without servers behind it: a hash names what it is made of. */
function collectorOf(add: (app: FastifyInstance, deps: CollectDeps) => void) {
  const taken: Taken[] = [];
  const hashed: string[] = [];
  const deps: CollectDeps = {
    keys: createKeys(
      () => PROJECTS,
      () => undefined,
    ),
    take: (source, tracked) => {
      taken.push({ source, tracked });
      const faults = tracked.flatMap((one) => (isFault(one) ? [one.fault] : []));
      return Promise.resolve({ events: tracked.length - faults.length, faults, sessions: [] });
    },
    outlet: {
      isFull: false,
      figures: { requests: 0, events: 0, bytes: 0, isConnected: true },
      send: () => Promise.resolve(),
      idle: () => Promise.resolve(),
    },
    hashes: {
      of: (parts) => {
        hashed.push(parts.join(' '));
        return Promise.resolve({
          today: `today ${parts.join(' ')}`,
          yesterday: `yesterday ${parts.join(' ')}`,
        });
      },
    },
    log: silentLog,
    say: () => undefined,
    watch: NO_COLLECT_WATCH,
    now: () => NOW,
  };
  const app = fastify();
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body);
  });
  add(app, deps);
  const post = (url: string, body: object, headers: Record<string, string> = {}) =>
    app.inject({
      method: 'POST',
      url,
      headers: { 'content-type': 'text/plain', 'user-agent': 'Agent/1.0', ...headers },
      payload: JSON.stringify(body),
    });
  const visitors = () =>
    taken.flatMap(({ tracked }) => tracked.map((one) => (isFault(one) ? one.fault : one.visitor)));
  return { app, taken, hashed, post, visitors };
}

describe('a name that is longer than an event may have', () => {
  const event = { eventType: 'n'.repeat(70), sessionId: 's', timestamp: NOW };

  it('is cut before it is published', async () => {
    const sent: OutgoingEvent[] = [];
    const take = createTake({
      outlet: {
        isFull: false,
        send: (_project, events) => {
          sent.push(...events);
          return Promise.resolve();
        },
      },
      sessions: { sessionsOf: () => Promise.resolve([]) },
      say: () => undefined,
    });
    await take({ project: 'shop', tracker: 'segment', receivedAt: NOW }, [{ event }]);

    expect(sent.map(({ json }) => JSON.parse(json.toString()) as unknown)).to.deep.equal([
      { ...event, eventType: 'n'.repeat(64) },
    ]);
  });

  it('is cut alike in what is imported', () => {
    const taken: TakenEvent[] = [];
    const bad: BadRecord[] = [];
    const taker = createTaker({
      project: 'shop',
      settings: DEFAULT_SETTINGS,
      dayTurned: () => false,
      receivedAt: NOW,
      liveFrom: NOW + 1,
      onEvent: (one) => taken.push(one),
      onBad: (one) => bad.push(one),
    });
    taker.take('f', { line: 1, data: Buffer.from('{}') }, { read: () => [{ event }] });

    expect(bad).to.deep.equal([]);
    expect(taken.map(({ event: { type } }) => type)).to.deep.equal(['n'.repeat(64)]);
  });
});

describe("Segment's project", () => {
  const call = { type: 'page', anonymousId: 'a' };
  const basic = (key: string) => `Basic ${Buffer.from(`${key}:`).toString('base64')}`;
  const cases: readonly (readonly [string, object, string, string | undefined])[] = [
    ['a token beside the key of the body', { writeKey: 'key' }, '/v1/batch', 'Bearer token'],
    ['a login of no project', { writeKey: 'key' }, '/v1/batch', basic('nobody')],
    ['a login', {}, '/v1/batch', basic('key')],
    ['the address', { writeKey: 'nobody' }, '/beacon/v1/batch?writeKey=key', undefined],
  ];
  for (const [what, body, url, authorization] of cases) {
    it(`is known by the first key that some project has: ${what}`, async () => {
      const { taken, post } = collectorOf(addSegment);
      await post(url, { ...body, batch: [call] }, authorization ? { authorization } : {});

      expect(taken.map(({ source }) => source.project)).to.deep.equal(['shop']);
    });
  }

  it('is not known where no key is', async () => {
    const { taken, post } = collectorOf(addSegment);
    const headers = { authorization: 'Bearer token' };
    const { statusCode } = await post('/v1/batch', { writeKey: 'x', batch: [call] }, headers);

    expect(statusCode).to.equal(200);
    expect(taken).to.deep.equal([]);
  });
});

describe('visitors without an id', () => {
  const HASHED = '127.0.0.1 Agent/1.0 shop';
  const cookieless = {
    event: '$pageview',
    uuid: 'u',
    distinct_id: '$posthog_cookieless',
    properties: { token: 'key', $device_id: null, $cookieless_mode: true },
  };
  const identified = { event: '$pageview', distinct_id: 'd', properties: { token: 'key' } };
  const anonymous = { e: 'pv', p: 'web', aid: 'key', eid: 'e', url: 'https://shop.example/' };

  it('of PostHog are told apart by a hash of the day', async () => {
    for (const [url, body, headers] of [
      ['/e/', [cookieless, identified], {}],
      [
        '/i/v1/analytics/events',
        { batch: [cookieless, identified] },
        { authorization: 'Bearer key' },
      ],
    ] as const) {
      const { taken, post, visitors } = collectorOf(addPosthog);
      const { statusCode } = await post(url, body, headers);

      expect(statusCode).to.equal(200);
      expect(visitors()).to.deep.equal([`today ${HASHED}`, 'd']);
      expect([...(taken[0]?.source.anonymous ?? [])]).to.deep.equal([
        [`today ${HASHED}`, `yesterday ${HASHED}`],
      ]);
    }
  });

  it('of Snowplow are told apart by a hash of the day', async () => {
    const { taken, post, visitors } = collectorOf(addSnowplow);
    const known = { ...anonymous, duid: 'd' };
    await post('/com.snowplowanalytics.snowplow/tp2', { data: [anonymous, known] });

    expect(visitors()).to.deep.equal([`today ${HASHED}`, 'd']);
    expect([...(taken[0]?.source.anonymous ?? [])]).to.deep.equal([
      [`today ${HASHED}`, `yesterday ${HASHED}`],
    ]);
  });

  it('are no reason to ask for a hash where there are none', async () => {
    const posthog = collectorOf(addPosthog);
    await posthog.post('/e/', [identified]);
    const snowplow = collectorOf(addSnowplow);
    await snowplow.post('/com.snowplowanalytics.snowplow/tp2', {
      data: [{ ...anonymous, sid: 's' }],
    });

    expect([...posthog.hashed, ...snowplow.hashed]).to.deep.equal([]);
    expect([...posthog.taken, ...snowplow.taken]).to.have.lengthOf(2);
  });
});

describe("Matomo's requests", () => {
  it('are trusted by another key of the project, not by the number of the site', async () => {
    const told = { idsite: 'key', _id: 'aa', country: 'de', cip: '192.0.2.1' };
    for (const [token, country, address] of [
      ['secret', 'DE', '192.0.2.1'],
      ['key', undefined, '127.0.0.1'],
      ['nobody', undefined, '127.0.0.1'],
    ] as const) {
      const { taken, hashed, post } = collectorOf(addMatomo);
      await post('/matomo.php', { requests: [told], token_auth: token });

      const [tracked] = taken[0]?.tracked ?? [];
      if (tracked === undefined || isFault(tracked)) throw new Error('it is an event');
      expect(tracked.event['properties'], token).to.have.property('userAgent');
      expect((tracked.event['properties'] as { country?: string }).country).to.equal(country);
      expect(hashed).to.deep.equal([`${address} Agent/1.0 key`]);
    }
  });

  it('have all that is behind their first question mark', async () => {
    for (const method of ['GET', 'POST'] as const) {
      const { taken, app } = collectorOf(addMatomo);
      const page = 'https://shop.example/?q=a?b';
      await app.inject({ method, url: `/matomo.php?url=${page}&rand=1&_id=aa&idsite=key&cid=bb` });

      expect(taken, method).to.have.length(1);
      const [tracked] = taken[0]?.tracked ?? [];
      expect(tracked).to.have.nested.property('event.properties.url', page);
      expect(tracked).to.have.property('visitor', 'device:bb');
    }
  });
});
