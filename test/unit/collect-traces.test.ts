/** The trace of a request, up to the message that its events go in. */
import type { MsgHdrs } from '@nats-io/transport-node';
import { expect } from 'chai';
import type { CollectDeps } from '../../collect/deps.ts';
import { createOutlet, OUTLET_LIMITS } from '../../collect/outlet.ts';
import { createRequestTraces } from '../../collect/request-traces.ts';
import { type CollectServer, startCollector } from '../../collect/server.ts';
import { createTake } from '../../collect/take.ts';
import { NO_COLLECT_WATCH } from '../../collect/watch.ts';
import { silentLog } from '../../platform/log.ts';
import type { Nats } from '../../platform/nats.ts';

const traceparent = (n: number, flags = '01') =>
  `00-${n.toString(16).padStart(32, '0')}-00f067aa0ba902b7-${flags}`;
const NOW = Date.UTC(2026, 10, 30);

interface Published {
  readonly data: string;
  readonly headers: MsgHdrs | undefined;
}

/** A collector whose NATS takes what it gets once it is told to. */
async function start(isTraced: boolean) {
  const published: Published[] = [];
  let release = () => {};
  let taken: Promise<unknown> = Promise.resolve();
  const nats = {
    connection: {
      status: async function* () {
        yield await new Promise(() => undefined);
      },
    },
    js: {
      publish: async (_subject: string, data: Uint8Array, { headers }: { headers?: MsgHdrs }) => {
        published.push({ data: Buffer.from(data).toString(), headers });
        await taken;
      },
    },
  } as unknown as Pick<Nats, 'connection' | 'js'>;
  const traces = isTraced ? createRequestTraces() : undefined;
  const outlet = createOutlet(nats, silentLog, OUTLET_LIMITS, traces?.current);
  const say = () => undefined;
  const sessions: Parameters<typeof createTake>[0]['sessions'] = {
    // As where Redis is asked: what follows is done later.
    sessionsOf: async ({ events }) => {
      await new Promise((resolve) => setTimeout(resolve, 1));
      return events.map(() => ({ id: 's', isBefore: false }));
    },
  };
  const deps: CollectDeps = {
    keys: { projectOf: (key) => (key === 'key' ? 'shop' : undefined) },
    take: createTake({ outlet, sessions, say }),
    ...{ outlet, say, traces },
    hashes: { of: () => Promise.resolve({ today: 'today', yesterday: undefined }) },
    log: silentLog,
    watch: NO_COLLECT_WATCH,
    now: () => NOW,
  };
  const collector: CollectServer = await startCollector(deps, {
    ...{ host: '127.0.0.1', port: 0, portFlag: '--port', publicUrl: undefined },
    trustedProxies: [],
  });
  return {
    published,
    close: () => collector.close(),
    hold: () => {
      taken = new Promise((resolve) => {
        release = () => {
          resolve(undefined);
        };
      });
    },
    release: () => {
      release();
    },
    post: async (path: string, body: unknown, headers: [string, string][] = []) => {
      const response = await fetch(`${collector.url}${path}`, {
        ...{ method: 'POST', headers, body: JSON.stringify(body) },
      });
      return response.status;
    },
  };
}

const event = (n: number) => ({
  ...{ eventType: 'pageview', sessionId: `s-${n}`, timestamp: NOW },
});

const BODIES: Readonly<Record<string, unknown>> = {
  '/events?key=key': event(1),
  '/api/event': { name: 'pageview', domain: 'key', url: 'https://shop.example/' },
  '/com.snowplowanalytics.snowplow/tp2': {
    data: [{ e: 'pv', aid: 'key', duid: 'd', url: 'https://shop.example/' }],
  },
  '/matomo.php': { requests: ['?idsite=key&rec=1&url=https://shop.example/'] },
};

describe('the trace of a request', () => {
  let world: Awaited<ReturnType<typeof start>>;
  const begin = async (isTraced: boolean) => (world = await start(isTraced));

  afterEach(() => world.close());

  for (const [path, body] of Object.entries(BODIES)) {
    it(`goes with its events: ${path}`, async () => {
      const { published, post } = await begin(true);
      const sent: [string, string][] = [
        ['traceparent', traceparent(1)],
        ['tracestate', 'vendor=abc'],
      ];

      expect(await post(path, body, sent)).to.be.oneOf([200, 202]);
      expect(await post(path, body)).to.be.oneOf([200, 202]);

      expect(published.map(({ headers }) => headers?.get('traceparent'))).to.deep.equal([
        traceparent(1),
        undefined,
      ]);
      expect(published[0]?.headers?.get('tracestate')).to.equal('vendor=abc');
    });
  }

  it('does not where nobody records it, or it is none', async () => {
    const { published, post } = await begin(true);
    const twice: [string, string][] = [
      ['traceparent', traceparent(1)],
      ['traceparent', traceparent(2)],
    ];

    for (const sent of [
      [['traceparent', traceparent(1, '00')]],
      [['traceparent', 'nonsense']],
      [['tracestate', 'vendor=abc']],
      twice,
    ] as [string, string][][]) {
      expect(await post('/events?key=key', event(1), sent)).to.equal(200);
    }

    expect(published.map(({ headers }) => headers)).to.deep.equal([
      ...[undefined, undefined, undefined, undefined],
    ]);
  });

  it('is that of the first which has one where requests go together', async () => {
    const { published, post, hold, release } = await begin(true);
    hold();
    const under = [1, 2].map((n) => post('/events?key=key', event(n)));
    await eventuallyPublished(published, 2);
    const waiting = [3, 4].map((n) =>
      post('/events?key=key', event(n), [['traceparent', traceparent(n)]]),
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    release();
    await Promise.all([...under, ...waiting]);

    expect(published).to.have.length(3);
    const together = published[2];
    const [first] = JSON.parse(together?.data ?? '[]') as { readonly sessionId: string }[];
    expect(together?.headers?.get('traceparent')).to.equal(
      traceparent(first?.sessionId === 's-3' ? 3 : 4),
    );
  });

  it('goes nowhere where traces are off', async () => {
    const { published, post } = await begin(false);

    await post('/events?key=key', event(1), [['traceparent', traceparent(1)]]);

    expect(published.map(({ headers }) => headers)).to.deep.equal([undefined]);
  });
});

async function eventuallyPublished(published: readonly unknown[], count: number): Promise<void> {
  while (published.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
}
