/** SIGTERM while nothing answers: a process ends in time all the same, and what it held is not lost. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { eventually } from '../support/eventually.ts';
import { assertRight } from '../support/fault-round.ts';
import { makeTraffic } from '../support/fault-traffic.ts';
import { type FaultWorld, startFaultWorld } from '../support/fault-world.ts';
import { randomOf } from '../support/random.ts';
import { ANY_PORTS } from '../support/pipeline.ts';

const SETTINGS = { SESSION_IDLE_TIMEOUT: '2s', SESSION_CHECKPOINT: '1s', LATE_GRACE: '500ms' };
const SHAPE = { sessions: 10, durationMs: 1_500 };
/** Orchestrators kill after 10 to 30 s; the Compose file here after 30. */
const STOP_MS_MAX = 25_000;
const SETTLED_MS = 90_000;
/** See `heal` of the world. */
const READY_MS_MAX = 2 * 90_000;
const START_MS_MAX = 20 * 60_000;

describe('a stop while nothing answers', () => {
  const random = randomOf(5);
  let world: FaultWorld;
  let failed = false;

  before('start the servers', async function () {
    this.timeout(START_MS_MAX);
    world = await startFaultWorld({ seed: 5, settings: SETTINGS });
  });

  afterEach(function () {
    for (const proxy of Object.values(world.proxies)) proxy.set('pass');
    failed ||= this.currentTest?.isFailed() ?? false;
  });

  after('stop everything', async function () {
    this.timeout(240_000);
    await world.close(failed);
  });

  for (const fault of ['cut', 'halfOpen'] as const) {
    it(`comes to an end in time: ${fault}`, async function () {
      // Twice until a process is ready, on a machine that does much else.
      this.timeout(STOP_MS_MAX + SETTLED_MS + 2 * READY_MS_MAX + 60_000);
      const project = `stop-${fault.toLowerCase()}`;
      const traffic = makeTraffic(random, project, SHAPE);
      const first = world.run(`${project}-1`, [
        'up',
        '--data-dir',
        `${world.folder}/up`,
        ...ANY_PORTS,
      ]);
      await world.heal();
      const published = Promise.all(
        traffic.messages.map(async ({ atMs, payload, messageId }) => {
          await sleep(atMs);
          await world.publish(project, payload, messageId);
        }),
      );
      await sleep(SHAPE.durationMs / 2);
      for (const proxy of Object.values(world.proxies)) proxy.set(fault);
      await sleep(500);

      const { code, tookMs } = await world.end(first);

      expect(code).to.equal(0);
      expect(tookMs).to.be.below(STOP_MS_MAX);
      const second = world.run(`${project}-2`, [
        'up',
        '--data-dir',
        `${world.folder}/up`,
        ...ANY_PORTS,
      ]);
      await world.heal();
      await published;
      await eventually(() => assertRight(world, project, traffic), { withinMs: SETTLED_MS });
      await world.end(second);
    });
  }
});
