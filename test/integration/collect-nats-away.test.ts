/**
 * NATS goes away under load. For less than 5 s nobody notices: trackers that never send again lose nothing, and what was
 * taken twice is counted once. For longer, requests are refused one by one, and memory stays where it is.
 */
import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { type CollectWorld, startCollectWorld } from '../support/collect-world.ts';
import { eventually } from '../support/eventually.ts';
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts';
import { environmentOf, spawnSojourn } from '../support/pipeline.ts';
import { randomOf } from '../support/random.ts';
import { startPrivateServers, temporaryFolder, type TestServers } from '../support/servers.ts';

const PROJECT = 'nats-away';
const KEY = 'nats-away-key';
const SITE = 'nats-away.example';
const AWAY_MS = 20_000;
const RSS_GROWTH_MAX = 200 * 1024 * 1024;

interface Answer {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly tookMs: number;
  /** By the clock of `performance`. */
  readonly at: number;
}

describe('the way in for trackers while NATS is away', function () {
  this.timeout(180_000);
  let servers: TestServers;
  let proxy: FaultProxy;
  let world: CollectWorld;
  const closes: (() => Promise<unknown>)[] = [];
  let taken = 0;

  before(async () => {
    servers = await startPrivateServers();
    closes.push(() => servers.stop());
    proxy = await startFaultProxy(Number(new URL(servers.nats.url).port), randomOf(1));
    closes.push(() => proxy.close());
    world = await startCollectWorld(servers);
    closes.push(() => world.stop());
    await world.addKeys(PROJECT, KEY, SITE);
  });

  after(async () => {
    for (const close of closes.splice(0).toReversed()) await close();
  });

  it('for 3 s takes all that comes, loses nothing and counts nothing twice', async () => {
    const { url } = await startCollector();
    const load = startLoad(url);
    await sleep(800);
    const began = Date.now();
    servers.nats.kill();
    await sleep(1_500);
    await servers.restart('nats');
    expect(Date.now() - began).to.be.below(3_500);
    await sleep(1_500);
    const answers = await load.stop();

    expectTaken(answers);
    // Some have waited for it.
    expect(Math.max(...answers.map(({ tookMs }) => tookMs))).to.be.within(1_000, 5_500);
    await expectCounted();
  });

  it('counts once what it published again since the acknowledgement was lost', async () => {
    const { url } = await startCollector({
      NATS_URL: servers.nats.url.replace(/:\d+$/, `:${proxy.port}`),
    });
    const storedBefore = (await world.stored(PROJECT)).length - taken;
    const load = startLoad(url);
    for (let round = 0; round < 3; round += 1) {
      await sleep(500);
      proxy.set('dropReply');
      await sleep(700);
      proxy.set('pass');
    }
    await sleep(1_500);
    const answers = await load.stop();

    expectTaken(answers);
    const twice = (await world.stored(PROJECT)).length - taken - storedBefore;
    expect(twice).to.be.above(0);
    await expectCounted();
  });

  it('for 20 s refuses what has waited 5 s, and holds no more than that', async () => {
    const { url, pid } = await startCollector();
    const rssBefore = rssOf(pid);
    servers.nats.kill();
    await sleep(300);
    const began = Date.now();
    const asked: Promise<Answer>[] = [];
    let rssMax = 0;
    while (Date.now() - began < AWAY_MS - 1_000) {
      for (let n = 0; n < 20; n += 1) asked.push(ask(url, own(asked.length, 'x'.repeat(2_000))));
      if (asked.length % 400 === 0) rssMax = Math.max(rssMax, rssOf(pid));
      await sleep(50);
    }
    await sleep(AWAY_MS - (Date.now() - began));
    const backAt = performance.now();
    await servers.restart('nats');
    const answers = await Promise.all(asked);

    const refused = answers.filter(({ status }) => status === 503);
    expect(refused.length).to.be.above(500);
    for (const { retryAfter, tookMs } of refused) {
      expect(retryAfter).to.equal('1');
      expect(tookMs).to.be.within(4_900, 7_500);
    }
    const others = answers.filter(({ status }) => status !== 503);
    for (const { status } of others) expect(status).to.equal(200);
    expect(rssMax - rssBefore).to.be.below(RSS_GROWTH_MAX);
    // What was refused while there was no connection is not stored; what went out once it was back, and too late for its
    // answer, may be.
    taken += others.length;
    const inDoubt = refused.filter(({ at }) => at >= backAt).length;
    await eventually(
      async () => {
        const { status } = await ask(url, own(0));
        expect(status).to.equal(200);
      },
      { withinMs: 10_000 },
    );
    taken += 1;
    await expectCounted(inDoubt);
  });

  /** A process of its own. */
  async function startCollector(settings: Readonly<Record<string, string>> = {}) {
    const child = spawnSojourn(['collect', '--port', '0', '--data-dir', temporaryFolder()], {
      ...environmentOf(servers),
      ...settings,
    });
    const exited = new Promise<void>((resolve) => {
      child.once('close', () => {
        resolve();
      });
    });
    let said = '';
    child.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    closes.push(async () => {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
      await exited;
      clearTimeout(timer);
    });
    const started = await eventually(
      () => {
        const url = /COLLECT_URL=(\S+)/.exec(said)?.[1];
        if (url === undefined) throw new Error(`not ready: ${said}`);
        return { url, pid: child.pid ?? 0 };
      },
      { withinMs: 40_000 },
    );
    return started;
  }

  function expectTaken(answers: readonly Answer[]): void {
    expect(answers.length).to.be.above(50);
    const others = answers.filter(({ status }) => status !== 200 && status !== 202);
    expect(others).to.deep.equal([]);
    taken += answers.length;
  }

  /** @param inDoubt refused, and maybe stored all the same */
  async function expectCounted(inDoubt = 0): Promise<void> {
    await world.settle();
    const [row] = await world.around.select<{ readonly events: string }>(
      `SELECT toString(sum(count)) AS events FROM sojourn.metrics
       WHERE project = '${PROJECT}' AND metric_type = 'event_count' AND dimension = 'event_type'`,
    );
    const counted = Number(row?.events);
    expect(counted).to.be.within(taken, taken + inDoubt);
    taken = counted;
  }
});

/** Without ids: that they count once is not their sender's doing. */
function own(n: number, url = '') {
  return {
    path: `/events?key=${KEY}`,
    body: {
      eventType: 'step',
      sessionId: `s-${n % 10}`,
      timestamp: Date.now(),
      properties: { url },
    },
    agent: 'Test/1.0',
  };
}

function plausible(n: number) {
  return {
    path: '/api/event',
    body: { n: 'look', u: `https://${SITE}/`, d: SITE },
    agent: `Test/${n % 5}`,
  };
}

async function ask(
  url: string,
  { path, body, agent }: { path: string; body: object; agent: string },
): Promise<Answer> {
  const began = performance.now();
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'user-agent': agent },
    body: JSON.stringify(body),
  });
  await response.arrayBuffer();
  return {
    status: response.status,
    retryAfter: response.headers.get('retry-after'),
    tookMs: performance.now() - began,
    at: performance.now(),
  };
}

/** Twenty at a time, of our own events and of Plausible's in turns. */
function startLoad(url: string) {
  const answers: Answer[] = [];
  let isOn = true;
  let n = 0;
  const workers = Array.from({ length: 20 }, async () => {
    while (isOn) {
      n += 1;
      answers.push(await ask(url, n % 2 === 0 ? own(n) : plausible(n)));
      await sleep(15);
    }
  });
  return {
    async stop(): Promise<readonly Answer[]> {
      isOn = false;
      await Promise.all(workers);
      return answers;
    },
  };
}

function rssOf(pid: number): number {
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)]).toString()) * 1_024;
}
