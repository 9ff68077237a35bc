/** The way in for trackers: what it takes, what it refuses and how, and what it does when others are away. */
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import fc from 'fast-check';
import { createVisitorHashes } from '../../collect/visitor-hashes.ts';
import type { OutgoingEvent } from '../../collect/messages.ts';
import { createTake } from '../../collect/take.ts';
import { createVisitorSessions, type VisitorSessions } from '../../collect/visitor-sessions.ts';
import { runCollector } from '../../collect/run.ts';
import { loadConfig } from '../../platform/config.ts';
import { silentLog } from '../../platform/log.ts';
import { connectRedis } from '../../platform/redis.ts';
import type { RawEvent } from '../../trackers/event.ts';
import { type CollectWorld, startCollectWorld } from '../support/collect-world.ts';
import { eventually } from '../support/eventually.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { environmentOf, sojourn, spawnSojourn } from '../support/pipeline.ts';
import { randomOf } from '../support/random.ts';
import { temporaryFolder, useServers } from '../support/servers.ts';

const PROJECT = 'collect-own';
const KEY = 'collect-own-key';
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** Whose visitors those of the tests below are: any will do. */
const TRACKER = 'segment' as const;
/** Minutes after the one before; and which of the events so far comes again, if one does. */
const VISIT_STEP = fc.record({
  pause: fc.oneof(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 20, max: 45 })),
  again: fc.option(fc.nat({ max: 12 }), { nil: undefined }),
});

describe('the way in for trackers', function () {
  this.timeout(300_000);
  const servers = useServers();
  let world: CollectWorld;

  before(async () => {
    world = await startCollectWorld(servers());
    await world.addKeys(PROJECT, KEY, 'own.example');
  });

  after(async () => {
    await world.stop();
  });

  let sent = 0;
  const event = (fields: object = {}) => {
    sent += 1;
    return {
      eventType: 'pageview',
      sessionId: `s-${sent}`,
      eventId: `e-${sent}`,
      timestamp: Date.now(),
      ...fields,
    };
  };
  const post = (path: string, body: string | Buffer, headers: Record<string, string> = {}) =>
    fetch(`${world.url}${path}`, {
      method: 'POST',
      body: new Uint8Array(Buffer.from(body)),
      headers,
    });
  const postEvents = (body: string | Buffer, headers: Record<string, string> = {}) =>
    post('/events', body, { authorization: `Bearer ${KEY}`, ...headers });
  const idsStored = async (project = PROJECT) =>
    (await world.stored(project)).map(({ eventId }) => eventId);

  describe('of our own events', () => {
    it('takes one, an array, and one a line, packed or not', async () => {
      const all = Array.from({ length: 7 }, () => event());
      const [one, a, b, c, d, e, f] = all;
      const bodies = [
        JSON.stringify(one, null, 2),
        JSON.stringify([a, b]),
        `${JSON.stringify(c)}\n\n${JSON.stringify(d)}\n`,
      ];
      for (const [index, body] of bodies.entries()) {
        const response = await postEvents(body);
        expect(response.status).to.equal(200);
        expect(await response.json()).to.deep.equal({ accepted: index === 0 ? 1 : 2 });
      }
      const packed = await postEvents(gzipSync(JSON.stringify([e, f])), {
        'content-encoding': 'gzip',
        'content-type': 'application/json',
      });
      expect(packed.status).to.equal(200);
      expect(await idsStored()).to.include.members(all.map(({ eventId }) => eventId));
    });

    it('takes the good ones of an array byte for byte, and names what is wrong with each other', async () => {
      const [good, late] = [event({ properties: { revenue: 1 } }), event()];
      const long = JSON.stringify(good).replace(
        '"revenue":1',
        '"revenue":12345678901234567.123456789',
      );
      const bad = [
        JSON.stringify(event({ sessionId: '' })),
        JSON.stringify(event({ timestamp: 12 })),
        '7',
      ];
      const response = await postEvents(
        `[${[bad[0], long, bad[1], JSON.stringify(late), bad[2]].join(', ')}]`,
      );

      expect(response.status).to.equal(400);
      expect(await response.json()).to.deep.equal({
        accepted: 2,
        rejected: [
          { index: 0, reason: 'sessionId is required' },
          {
            index: 2,
            reason:
              'timestamp must be epoch milliseconds, but a number below 100000000000 looks like seconds',
          },
          { index: 4, reason: 'event must be a JSON object, but is a number' },
        ],
      });
      expect(await idsStored()).to.include.members([good.eventId, late.eventId]);
    });

    it('knows a project by its key only', async () => {
      const body = JSON.stringify(event());
      for (const headers of [{}, { authorization: 'Bearer nobody' }] as const) {
        const response = await post('/events', body, headers);
        expect(response.status).to.equal(401);
      }
      const user = Buffer.from(`${KEY}:`).toString('base64');
      expect((await post('/events', body, { authorization: `Basic ${user}` })).status).to.equal(
        200,
      );
      expect((await post(`/events?key=${KEY}`, body)).status).to.equal(200);
    });

    it('refuses what is no JSON, and what is too large, packed too', async () => {
      expect((await postEvents('{')).status).to.equal(400);
      expect((await postEvents('')).status).to.equal(400);
      const large = Buffer.alloc(5 * 1024 * 1024, 0x20);
      expect((await postEvents(large)).status).to.equal(413);
      const bomb = await postEvents(gzipSync(large), { 'content-encoding': 'gzip' });
      expect(bomb.status).to.equal(413);
    });

    it('takes as many as 4 MiB hold, in messages that NATS takes', async () => {
      // Of one session: thousands of them would keep the next test file's pipeline busy.
      const many = Array.from({ length: 3_500 }, () =>
        event({ sessionId: 'many', properties: { url: 'x'.repeat(900) } }),
      );
      const response = await postEvents(JSON.stringify(many));
      expect(response.status).to.equal(200);
      expect(await response.json()).to.deep.equal({ accepted: many.length });
      // What is not acknowledged within 2 s is published again, with its ids: events are counted, not what is stored.
      const sentIds = new Set(many.map(({ eventId }) => eventId));
      const stored = (await idsStored()).filter((id) => id !== undefined && sentIds.has(id));
      expect(new Set(stored).size).to.equal(many.length);
    });
  });

  it('gives the page scripts of Segment and RudderStack the settings without which they do not start', async () => {
    const settings = await fetch(`${world.url}/v1/projects/${KEY}/settings`);
    expect(await settings.json()).to.deep.equal({
      integrations: { 'Segment.io': { apiKey: KEY } },
    });

    const login = `Basic ${Buffer.from(`${KEY}:`).toString('base64')}`;
    for (const [path, headers] of [
      [`/sourceConfig/?p=npm&writeKey=${KEY}`, {}],
      ['/sourceConfig?p=npm', { authorization: login }],
    ] as const) {
      const config = await fetch(`${world.url}${path}`, { headers });
      expect(await config.json())
        .to.have.property('source')
        .that.deep.includes({
          ...{ id: KEY, writeKey: KEY, enabled: true, destinations: [] },
        });
    }
  });

  it('lets pages of any origin send, and says so before they do', async () => {
    const response = await fetch(`${world.url}/api/send`, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://shop.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'content-type,x-umami-cache',
      },
    });

    expect(response.status).to.equal(204);
    const header = (name: string) => response.headers.get(`access-control-allow-${name}`);
    expect(header('origin')).to.equal('https://shop.example');
    expect(header('credentials')).to.equal('true');
    expect(header('headers')).to.equal('content-type,x-umami-cache');
  });

  it('answers an unknown key as each service does', async () => {
    const json = JSON.stringify;
    const page = { type: 'page', anonymousId: 'a', messageId: 'm' };
    const rudder = { ...page, context: { library: { name: 'RudderLabs JavaScript SDK' } } };
    const cases: readonly (readonly [string, string, number])[] = [
      ['/v1/batch', json({ writeKey: 'nobody', batch: [page] }), 200],
      ['/v1/batch', json({ writeKey: 'nobody', batch: [rudder] }), 401],
      ['/com.snowplowanalytics.snowplow/tp2', json({ data: [{ e: 'pv', aid: 'nobody' }] }), 200],
      ['/api/event', json({ n: 'pageview', u: 'https://x.example/', d: 'nobody.example' }), 202],
      ['/api/send', json({ type: 'event', payload: { website: 'nobody', url: '/' } }), 400],
      ['/matomo.php?idsite=nobody&rec=1&url=https://x.example/', '', 400],
      ['/batch/', json({ api_key: 'nobody', batch: [{ event: 'x' }] }), 401],
      ['/mp/collect?measurement_id=nobody', json({ client_id: 'c', events: [] }), 204],
    ];
    for (const [path, body, status] of cases) {
      expect((await post(path, body)).status, path).to.equal(status);
    }
  });

  it('takes a picture for an event, of Snowplow and of Matomo', async () => {
    const at = Date.now();
    const snowplow = new URLSearchParams({
      ...{ e: 'pv', aid: KEY, eid: 'pixel-1', sid: 'pixel-session', dtm: String(at) },
      ...{ stm: String(at), url: 'https://own.example/a' },
    });
    for (const path of [
      `/i?${snowplow.toString()}`,
      `/matomo.php?idsite=${KEY}&rec=1&_id=aa&url=https://own.example/`,
    ]) {
      const response = await fetch(`${world.url}${path}`);
      expect(response.headers.get('content-type')).to.equal('image/gif');
      expect(response.headers.get('cache-control')).to.contain('no-store');
      expect((await response.arrayBuffer()).byteLength).to.be.above(30);
    }
    expect(await idsStored()).to.include('pixel-1');
    const { status } = await fetch(
      `${world.url}/matomo.php?idsite=${KEY}&rec=1&_id=aa&url=https://own.example/&send_image=0`,
    );
    expect(status).to.equal(204);
  });

  it("takes PostHog's script in each of its wrappings", async () => {
    const captured = (uuid: string) => ({
      event: '$pageview',
      uuid,
      properties: {
        token: KEY,
        distinct_id: 'd',
        $session_id: 'posthog-session',
        $current_url: 'https://own.example/',
      },
      timestamp: new Date().toISOString(),
    });
    const json = (uuid: string) => JSON.stringify(captured(uuid));
    const form = new URLSearchParams({ data: Buffer.from(json('ph-2')).toString('base64') });
    const requests = [
      post('/e/?compression=gzip-js&ver=1', gzipSync(json('ph-1')), {
        'content-type': 'text/plain',
      }),
      post('/e/?compression=base64&beacon=1', form.toString()),
      post('/i/v0/e/', `[${json('ph-3')}]`),
      post(
        '/i/v1/analytics/events',
        JSON.stringify({ batch: [{ ...captured('ph-4'), session_id: 'posthog-session' }] }),
        { authorization: `Bearer ${KEY}` },
      ),
    ];
    for (const response of await Promise.all(requests)) expect(response.status).to.equal(200);
    expect(await idsStored()).to.include.members(['ph-1', 'ph-2', 'ph-3', 'ph-4']);
  });

  it('keeps no address: neither in what it publishes nor in Redis', async () => {
    const response = await post(
      '/api/event',
      JSON.stringify({ n: 'pageview', u: 'https://own.example/private', d: 'own.example' }),
      { 'user-agent': 'Some/1.0' },
    );
    expect(response.status).to.equal(202);
    const stored = (await world.stored(PROJECT)).at(-1);
    expect(JSON.stringify(stored)).to.contain('/private').and.not.to.contain('127.0.0.1');
    const redis = connectRedis({ ...loadConfig({}), REDIS_URL: servers().redis.url }, silentLog);
    try {
      const keys = await redis.keys('collect:*');
      expect(keys.join()).not.to.contain('127.0.0.1');
      for (const key of keys) expect(await redis.pttl(key), key).to.be.above(0);
    } finally {
      redis.disconnect();
    }
  });

  it('tells two visitors apart who come through one proxy only where that is trusted', async () => {
    const environment = { ...environmentOf(servers()), COLLECT_TRUSTED_PROXIES: '127.0.0.0/8' };
    const config = loadConfig(environment);
    const trusting = await runCollector(
      { ...config, NATS_URL: servers().nats.url, REDIS_URL: servers().redis.url },
      silentLog,
      { port: 0, portFlag: '--port' },
    );
    try {
      const sessionsOf = async (url: string) => {
        const ids = new Set<unknown>();
        for (const address of ['192.0.2.1', '192.0.2.2']) {
          await fetch(`${url}/api/event`, {
            method: 'POST',
            headers: { 'x-forwarded-for': address, 'user-agent': 'Two/1.0' },
            body: JSON.stringify({ n: 'pageview', u: 'https://own.example/', d: 'own.example' }),
          });
          ids.add((await world.stored(PROJECT)).at(-1)?.sessionId);
        }
        return ids.size;
      };
      expect(await sessionsOf(world.url)).to.equal(1);
      expect(await sessionsOf(trusting.url)).to.equal(2);
    } finally {
      await trusting.close();
    }
  });

  it('says 503, and when to come again, while NATS does not acknowledge', async () => {
    const target = new URL(servers().nats.url);
    const proxy = await startFaultProxy(Number(target.port), randomOf(1));
    const config = loadConfig(environmentOf(servers()));
    const collector = await runCollector(
      { ...config, NATS_URL: `nats://127.0.0.1:${proxy.port}`, REDIS_URL: servers().redis.url },
      silentLog,
      { port: 0, portFlag: '--port' },
    );
    const send = () =>
      fetch(`${collector.url}/events?key=${KEY}`, {
        method: 'POST',
        body: JSON.stringify(event()),
      });
    try {
      expect((await send()).status).to.equal(200);
      for (const fault of ['halfOpen', 'cut'] as const) {
        proxy.set(fault);
        const refused = await send();
        expect(refused.status, fault).to.equal(503);
        expect(refused.headers.get('retry-after')).to.equal('1');
      }
    } finally {
      proxy.set('pass');
      await collector.close();
      await proxy.close();
    }
  });

  it('says 503 while Redis is away, to trackers whose sessions it has, and to no other', async () => {
    const target = new URL(servers().redis.url);
    const proxy = await startFaultProxy(Number(target.port), randomOf(1));
    const redisUrl = new URL(target);
    redisUrl.port = String(proxy.port);
    const collector = await runCollector(
      {
        ...loadConfig(environmentOf(servers())),
        NATS_URL: servers().nats.url,
        REDIS_URL: redisUrl.href,
      },
      silentLog,
      { port: 0, portFlag: '--port' },
    );
    const send = async (path: string, body: object) => {
      const response = await fetch(`${collector.url}${path}`, {
        method: 'POST',
        body: JSON.stringify(body),
      });
      return response.status;
    };
    const plausible = { n: 'pageview', u: 'https://own.example/', d: 'own.example' };
    const segment = { type: 'page', writeKey: KEY, anonymousId: 'away', messageId: 'away-1' };
    const at = String(Date.now());
    const snowplow = {
      e: 'pv',
      aid: KEY,
      eid: 'away-2',
      sid: 'away',
      dtm: at,
      url: 'https://x.example',
    };
    try {
      proxy.set('cut');
      expect(await send('/api/event', plausible)).to.equal(503);
      expect(await send('/v1/p', segment)).to.equal(503);
      expect(await send('/com.snowplowanalytics.snowplow/tp2', { data: [snowplow] })).to.equal(200);
      expect(await send(`/events?key=${KEY}`, event())).to.equal(200);
      proxy.set('pass');
      await eventually(
        async () => {
          expect(await send('/api/event', plausible)).to.equal(202);
        },
        { withinMs: 20_000 },
      );
    } finally {
      await collector.close();
      await proxy.close();
    }
  });

  it('is a command that ends cleanly, and a key of another project is refused', async () => {
    const environment = environmentOf(servers());
    const child = spawnSojourn(
      ['collect', '--port', '0', '--data-dir', temporaryFolder()],
      environment,
    );
    const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
    try {
      const url = await new Promise<string>((resolve, reject) => {
        let said = '';
        child.stdout?.on('data', (chunk: Buffer) => {
          said += chunk.toString();
          const found = /COLLECT_URL=(\S+)/.exec(said)?.[1];
          if (found !== undefined) resolve(found);
        });
        exited.then(() => {
          reject(new Error('it ended'));
        }, reject);
      });
      const { status } = await fetch(`${url}/events?key=${KEY}`, {
        method: 'POST',
        body: JSON.stringify(event()),
      });
      expect(status).to.equal(200);
    } finally {
      child.kill('SIGTERM');
    }
    expect(await exited).to.equal(0);

    const { code, stderr } = await sojourn(
      ['project', 'set', 'another', '--collect-key', KEY],
      environment,
    );
    expect(code).to.equal(2);
    expect(stderr).to.contain(PROJECT);
  });
});

describe('sessions of visitors', function () {
  this.timeout(60_000);
  const servers = useServers();
  const connect = () =>
    connectRedis({ ...loadConfig({}), REDIS_URL: servers().redis.url }, silentLog);
  const open: ReturnType<typeof connect>[] = [];
  let visitors = 0;

  afterEach(() => {
    for (const redis of open.splice(0)) redis.disconnect();
  });

  const forgetSaltsSince = async (midnight: number) => {
    const first = new Date(midnight - 2 * DAY_MS).toISOString().slice(0, 10);
    for (const key of (await open[0]?.keys('collect:salt:*')) ?? []) {
      if (key > `collect:salt:${first}`) await open[0]?.del(key);
    }
  };

  /** Two processes on one Redis, and a visitor whom nobody knows. */
  const begin = () => {
    open.push(connect(), connect());
    const [one, other] = open.map((redis) =>
      createVisitorSessions(redis, { idleMs: 30 * MINUTE_MS }),
    );
    visitors += 1;
    const visitor = `test-${process.pid}-${visitors}`;
    if (one === undefined || other === undefined) throw new Error('two were opened');
    const at = Date.now();
    const sessionsOf = async (
      eventIds: readonly (string | undefined)[],
      minutes: number,
      by = one,
    ) => {
      const now = at + minutes * MINUTE_MS;
      const events = eventIds.map((id) => ({ id, begins: true }));
      const found = await by.sessionsOf({ visitor, events, now });
      return found.map((session) => session?.id);
    };
    const session = async (id: string | undefined, minutes: number, by = one) =>
      (await sessionsOf([id], minutes, by))[0];
    return { one, other, visitor, at, session, sessionsOf };
  };

  it('end with 30 minutes without an event, whichever process took the last', async () => {
    const { session, other } = begin();
    const first = await session('a', 0);
    expect(await session('b', 29.9, other)).to.equal(first);
    expect(await session('c', 59.7)).to.equal(first);
    const second = await session('d', 89.7, other);
    expect(second).to.be.a('string').and.not.to.equal(first);
    expect(await session(undefined, 90)).to.equal(second);
  });

  it('stay the same for the same event, however late it comes again, which makes none longer', async () => {
    const { session, other } = begin();
    const first = await session('a', 0);
    // Again while the session is there: 30 minutes count from the first time.
    expect(await session('a', 20)).to.equal(first);
    const second = await session('b', 31);
    expect(second).not.to.equal(first);
    expect(await session('a', 300, other)).to.equal(first);
    expect(await session('c', 301)).not.to.be.oneOf([first, second]);
  });

  it('are begun by no heartbeat, and kept up by one', async () => {
    const { one, visitor, at } = begin();
    const sent: OutgoingEvent[] = [];
    const outlet = {
      isFull: false,
      send: (_project: string, events: readonly OutgoingEvent[]) => {
        sent.push(...events);
        return Promise.resolve();
      },
    };
    const take = createTake({ outlet, sessions: one, say: () => undefined });
    const tell = async (eventType: string, minutes: number) => {
      const source = { project: 'shop', tracker: TRACKER, receivedAt: at + minutes * MINUTE_MS };
      return (await take(source, [{ event: { eventType }, visitor }])).sessions[0];
    };

    expect(await tell('heartbeat', 0)).to.equal(undefined);
    const first = await tell('pageview', 1);
    expect(await tell('heartbeat', 25))
      .to.equal(first)
      .and.be.a('string');
    expect(await tell('pageview', 50)).to.equal(first);
    expect(await tell('heartbeat', 90)).to.equal(undefined);
    expect(await tell('pageview', 91)).not.to.equal(first);
    expect(sent.map(({ eventType }) => eventType)).to.deep.equal([
      'pageview',
      'heartbeat',
      'pageview',
      'pageview',
    ]);
  });

  it('keep an event that comes again after midnight, whatever has begun under the new salt since', async () => {
    const { one, visitor, at } = begin();
    const sent: RawEvent[] = [];
    const take = createTake({
      outlet: {
        isFull: false,
        send: (_project, events) => {
          sent.push(...events.map(({ json }) => JSON.parse(json.toString()) as RawEvent));
          return Promise.resolve();
        },
      },
      sessions: one,
      say: () => undefined,
    });
    let visits = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(VISIT_STEP, { minLength: 4, maxLength: 25 }), async (steps) => {
        visits += 1;
        const days = [`${visitor}-${visits}-before`, `${visitor}-${visits}-after`] as const;
        const of = new Map<unknown, string>();
        let minutes = -60;
        let last = -Infinity;
        let session: unknown;
        for (const [n, { pause, again }] of steps.entries()) {
          minutes += pause;
          const isAfter = minutes >= 0;
          const [hash, yesterday] = isAfter ? [days[1], days[0]] : [days[0], undefined];
          const repeated = again === undefined ? undefined : [...of.keys()][again];
          const eventId = repeated ?? `e-${n}`;
          const anonymous = new Map([[hash, yesterday]]);
          const now = at + minutes * MINUTE_MS;
          const source = { project: 'shop', tracker: TRACKER, receivedAt: now, anonymous };
          // Two in one request: what is known does not hold the other back.
          const others = isAfter && repeated !== undefined ? [`e-${n}-new`] : [];
          await take(
            source,
            [eventId, ...others].map((id) => ({
              event: { eventType: 'pageview', eventId: id },
              visitor: hash,
            })),
          );
          for (const event of sent.splice(0)) {
            const whose = `${String(event['sessionId'])} ${String(event['visitorId'])}`;
            const before = of.get(event['eventId']);
            if (before !== undefined) {
              expect(whose).to.equal(before);
              continue;
            }
            of.set(event['eventId'], whose);
            // It goes on where the last new event is less than 30 minutes ago, and else begins.
            const goesOn = minutes - last < 30;
            if (goesOn) expect(event['sessionId']).to.equal(session);
            else expect([...of.values()].slice(0, -1)).not.to.include(whose);
            session = event['sessionId'];
            last = minutes;
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  /** Ids of sessions, for a visitor's events: `beat…` begins none, and what ends with a question mark has no id. */
  const askedOf =
    (visitor: string, at: number, one: VisitorSessions) =>
    async (minutes: number, words: readonly string[], by = one) => {
      const events = words.map((word) => ({
        id: word.endsWith('?') ? undefined : word,
        begins: !word.startsWith('beat'),
      }));
      const found = await by.sessionsOf({ visitor, events, now: at + minutes * MINUTE_MS });
      return found.map((session) => session?.id);
    };

  it('begin by no heartbeat, also where an event comes with it that begins one, and again', async () => {
    const { one, other, visitor, at } = begin();
    const asked = askedOf(visitor, at, one);
    expect(await asked(0, ['beat-1', 'beat?'])).to.deep.equal([undefined, undefined]);
    const [early, first, beat] = await asked(1, ['beat-2', 'view-1', 'beat-3']);
    expect(early).to.equal(undefined);
    expect(first).to.be.a('string');
    expect(beat).to.equal(first);
    const again = await asked(2, ['beat-2', 'view-1', 'beat-3'], other);
    expect(again).to.deep.equal([undefined, first, first]);
    expect(await asked(40, ['beat-4', 'view-1'])).to.deep.equal([undefined, first]);
  });

  it('begin by no heartbeat, however many come in a request before the event that begins one, and again', async () => {
    const { one, other, visitor, at } = begin();
    const asked = askedOf(visitor, at, one);
    const beats = Array.from({ length: 700 }, (_, n) => `beat-${n}`);
    const request = [...beats, 'view-1', 'beat-700'];

    const found = await asked(0, request);

    const first = found.at(-1);
    expect(first).to.be.a('string');
    expect(found).to.deep.equal([...beats.map(() => undefined), first, first]);
    expect(await asked(1, request, other)).to.deep.equal(found);
  });

  it('remember for a day what came before one, also where the event that begins it has no id', async () => {
    const { one, visitor, at } = begin();

    await askedOf(visitor, at, one)(0, ['beat-1', 'view?']);

    const left = await open[0]?.pttl(`collect:visitor:${visitor}`);
    expect(left).to.be.within(23 * 60 * MINUTE_MS, 24 * 60 * MINUTE_MS);
  });

  it('are one where many processes see a new visitor at once', async () => {
    const { one, other, session } = begin();
    const all = await Promise.all(
      Array.from({ length: 200 }, (_, n) =>
        session(`e-${n}`, (n % 7) / MINUTE_MS, n % 2 === 0 ? one : other),
      ),
    );
    expect(new Set(all).size).to.equal(1);
  });

  it('remember the last thousand events of a visitor who sends without end', async () => {
    const { visitor, sessionsOf } = begin();
    const ids = (from: number) => Array.from({ length: 500 }, (_, n) => `e-${from + n}`);
    const first = await sessionsOf(ids(0), 0);
    for (let from = 500; from < 5_000; from += 500) await sessionsOf(ids(from), 0);
    const again = await sessionsOf(ids(4_500), 300);
    expect(new Set([...first, ...again]).size).to.equal(1);
    expect(await open[0]?.hlen(`collect:visitor:${visitor}`)).to.be.below(2_100);
  });

  it('remember an id that is a thousand back, whenever the older ones went', async () => {
    const { visitor, session, sessionsOf } = begin();
    const idsOf = (from: number, count: number) =>
      Array.from({ length: count }, (_, n) => `e-${from + n}`);
    const first = await session('e-0', 0);
    let sent = 1;
    // Requests of all sizes, so that the limit is passed at the end of one, and in the middle.
    for (const count of [499, 500, 500, 500, 1, 250, 333, 500, 417, 500, 1]) {
      await sessionsOf(idsOf(sent, count), 0);
      sent += count;
      // Two hours later it were another session.
      const again = await sessionsOf(idsOf(Math.max(0, sent - 1_000), 2), 120);
      expect(again, `after ${sent}`).to.deep.equal([first, first]);
    }
    for (const key of [`collect:visitor:${visitor}`, `collect:visitor:${visitor}:old`]) {
      expect(await open[0]?.hlen(key)).to.be.within(2, 1_600);
      expect(await open[0]?.pttl(key)).to.be.within(23 * 60 * MINUTE_MS, 24 * 60 * MINUTE_MS);
    }
  });

  it('go on from what a version before has written, be it more than is kept in one key now', async () => {
    const { visitor, at, session } = begin();
    const key = `collect:visitor:${visitor}`;
    const first = await session('e-0', 0);
    const many = Array.from({ length: 1_900 }, (_, n) => [`before-${n}`, String(at)]).flat();
    await open[0]?.hset(key, ...many);
    expect(await session('e-1', 1)).to.equal(first);
    expect(await session('e-0', 120)).to.equal(first);
    expect(await open[0]?.hlen(`${key}:old`)).to.equal(1_904);
    expect(await session('e-2', 2)).to.equal(first);
  });

  it('know a visitor without an id by a hash whose salt is that of the day', async () => {
    open.push(connect(), connect());
    const [one, other] = open.map(createVisitorHashes);
    // Days of their own, so that other tests have not made the salts; they expire long after the test.
    const midnight = Math.ceil(Date.now() / DAY_MS + 400) * DAY_MS;
    const parts = ['192.0.2.1', 'Agent/1.0', 'shop.example'];
    const before = await one?.of(parts, midnight - 1_000);
    expect(await other?.of(parts, midnight - 500)).to.deep.equal(before);
    const after = await other?.of(parts, midnight + 1_000);
    expect(after?.yesterday).to.equal(before?.today);
    expect(after?.today).not.to.equal(before?.today);
    expect((await one?.of(['192.0.2.2', ...parts.slice(1)], midnight + 1_000))?.today).not.to.equal(
      after?.today,
    );
    await forgetSaltsSince(midnight);
  });

  it('know it by one hash again where Redis has lost the salts, within a minute', async () => {
    open.push(connect(), connect());
    const [one, other] = open.map(createVisitorHashes);
    const midnight = Math.ceil(Date.now() / DAY_MS + 500) * DAY_MS;
    const parts = ['192.0.2.1', 'Agent/1.0', 'shop.example'];
    const ofOne = (at: number) => one?.of(parts, midnight + at);
    const ofOther = (at: number) => other?.of(parts, midnight + at);
    await ofOne(-1_000);
    const before = await ofOne(0);
    expect(before?.yesterday).to.be.a('string');

    // The only process that knew them gives them back.
    await forgetSaltsSince(midnight);
    expect(await ofOne(MINUTE_MS)).to.deep.equal(before);
    expect(await ofOther(MINUTE_MS)).to.deep.equal(before);

    // Somebody was quicker: all take what is there.
    await forgetSaltsSince(midnight);
    open.push(connect());
    const [, , late] = open;
    if (late === undefined) throw new Error('it was opened');
    const anew = await createVisitorHashes(late).of(parts, midnight + MINUTE_MS);
    expect(anew.today).not.to.equal(before?.today);
    expect((await ofOne(1.5 * MINUTE_MS))?.today).to.equal(before?.today);
    expect((await ofOne(2 * MINUTE_MS))?.today).to.equal(anew.today);
    expect((await ofOther(2 * MINUTE_MS))?.today).to.equal(anew.today);
    expect((await ofOther(2 * MINUTE_MS))?.yesterday).to.equal(before?.yesterday);
    await forgetSaltsSince(midnight);
  });
});
