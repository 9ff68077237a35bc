/** How many events a request may bring, and how many of its faults an answer names. */
import { expect } from 'chai';
import type { CollectDeps } from '../../collect/deps.ts';
import { type CollectServer, startCollector } from '../../collect/server.ts';
import { NO_COLLECT_WATCH } from '../../collect/watch.ts';
import { silentLog } from '../../platform/log.ts';
import { readSegment } from '../../trackers/segment.ts';

const MAX = 10_000;
const NAMED = 1_000;

/** A collector that has no project, and so takes nothing. */
const DEPS = {
  keys: { projectOf: (key?: string) => (key === 'own' ? 'shop' : undefined) },
  outlet: { idle: () => Promise.resolve() },
  log: silentLog,
  say: () => undefined,
  watch: NO_COLLECT_WATCH,
  now: Date.now,
} as unknown as CollectDeps;

const OPTIONS = {
  ...{ host: '127.0.0.1', port: 0, portFlag: '--port', publicUrl: undefined },
  trustedProxies: [],
};

describe('the bounds of a request', () => {
  let collector: CollectServer;
  before(async () => {
    collector = await startCollector(DEPS, OPTIONS);
  });
  after(() => collector.close());

  const post = async (path: string, body: unknown) => {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const response = await fetch(`${collector.url}${path}`, { method: 'POST', body: text });
    return { status: response.status, text: await response.text() };
  };
  const many = (count: number) => Array.from({ length: count }, () => 0);

  const BODIES: Readonly<Record<string, (count: number) => unknown>> = {
    '/events?key=own': many,
    '/v1/batch': (count) => ({ batch: many(count) }),
    '/com.snowplowanalytics.snowplow/tp2': (count) => ({ data: many(count) }),
    '/api/event': (count) => ({ n: 'pageview', u: 'https://x.example/', d: many(count).join() }),
    '/api/batch': many,
    '/matomo.php': (count) => ({ requests: many(count) }),
    '/batch': (count) => ({ batch: many(count) }),
    '/i/v1/analytics/events': (count) => ({ batch: many(count) }),
    '/mp/collect': (count) => ({ events: many(count) }),
  };
  for (const [path, bodyOf] of Object.entries(BODIES)) {
    it(`is refused before its events are read, where ${path} has more than 10,000`, async () => {
      expect((await post(path, bodyOf(MAX + 1))).status).to.equal(413);
      expect((await post(path, bodyOf(3))).status).to.be.oneOf([200, 202, 204, 400, 401]);
    });
  }

  it('is refused where so many lines are in it', async () => {
    expect((await post('/events?key=own', '0\n'.repeat(MAX + 1))).status).to.equal(413);
  });

  it('are named for the first thousand, and all are counted', async () => {
    const own = await post('/events?key=own', many(NAMED + 1));
    const { rejected, ...rest } = JSON.parse(own.text) as { rejected: unknown[] };
    expect([rejected.length, rest]).to.deep.equal([
      NAMED,
      { accepted: 0, rejectedCount: NAMED + 1 },
    ]);

    const umami = await post('/api/batch', many(NAMED + 1));
    const { details, errors } = JSON.parse(umami.text) as { details: unknown[]; errors: number };
    expect([details.length, errors]).to.deep.equal([NAMED, NAMED + 1]);

    const matomo = await post('/matomo.php', { requests: many(NAMED + 1), token_auth: 'x' });
    const { invalid, invalid_indices: indices } = JSON.parse(matomo.text) as {
      invalid: number;
      invalid_indices: unknown[];
    };
    expect([indices.length, invalid]).to.deep.equal([NAMED, NAMED + 1]);

    const ga4 = await post('/debug/mp/collect', { client_id: 'c', events: many(NAMED + 1) });
    const { validationMessages: told } = JSON.parse(ga4.text) as { validationMessages: unknown[] };
    expect(told).to.have.length(NAMED);
    expect(JSON.stringify(told[0])).to.contain('of no project');
  });

  it('are told without what was sent, of which a sentence quotes the beginning at most', () => {
    const [tracked] = readSegment({ type: 't'.repeat(5_000), anonymousId: 'a' });
    expect(tracked).to.have.property('fault').of.length.below(200);
  });
});
