/** A deploy under load: processes are replaced one after the other, and nobody outside notices. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { Client } from '@temporalio/client';
import { loadConfig } from '../../platform/config.ts';
import { connectTemporal } from '../../platform/temporal.ts';
import { sessionWorkflowId } from '../../shared/ids.ts';
import { stateQuery } from '../../workflows/messages.ts';
import { eventually } from '../support/eventually.ts';
import { assertRight } from '../support/fault-round.ts';
import { makeTraffic } from '../support/fault-traffic.ts';
import { type FaultWorld, startFaultWorld } from '../support/fault-world.ts';
import { environmentOf } from '../support/pipeline.ts';
import { randomOf } from '../support/random.ts';
import type { ReferenceEvent } from '../support/reference.ts';
import type { Ending } from '../support/supervised.ts';

const SETTINGS = { SESSION_IDLE_TIMEOUT: '4s', SESSION_CHECKPOINT: '1s', LATE_GRACE: '1s' };
const PROJECT = 'rolling';
const LOAD_MS = 15_000;
/** Some 60 events a second. */
const SHAPE = { sessions: 110, durationMs: LOAD_MS };
const PROBE_EVERY_MS = 250;
const PROBE_SESSIONS = 8;
/** An orchestrator kills what has not ended by then. */
const STOP_MS_MAX = 20_000;
const DELAY_MS_MAX = 10_000;
const SETTLED_MS = 60_000;
const START_MS_MAX = 20 * 60_000;

describe('a rolling restart under load', () => {
  let world: FaultWorld;
  let temporal: Client;
  let closeTemporal: () => Promise<void>;
  let failed = false;

  before('start the servers', async function () {
    this.timeout(START_MS_MAX);
    world = await startFaultWorld({ seed: 4, settings: SETTINGS });
    const { client, connection } = await connectTemporal({
      ...loadConfig(environmentOf(world.servers)),
      TEMPORAL_ADDRESS: world.servers.temporal.address,
    });
    temporal = client;
    closeTemporal = () => connection.close();
    for (const name of ['a', 'b']) world.run(name, ['up', '--data-dir', `${world.folder}/${name}`]);
    await world.heal();
  });

  afterEach(function () {
    failed ||= this.currentTest?.isFailed() ?? false;
  });

  after('stop everything', async function () {
    this.timeout(120_000);
    await closeTemporal();
    await world.close(failed);
  });

  it('loses nothing, and delays no session for more than seconds', async function () {
    this.timeout(LOAD_MS + SETTLED_MS + 60_000);
    const { messages, events, sessionIds } = makeTraffic(randomOf(4), PROJECT, SHAPE);
    const published = Promise.all(
      messages.map(async ({ atMs, payload, messageId }) => {
        await sleep(atMs);
        await world.publish(PROJECT, payload, messageId);
      }),
    );
    const probes: ReferenceEvent[] = [];
    const delays: Promise<number>[] = [];
    const probing = setInterval(() => {
      const event = aProbe(probes.length);
      probes.push(event);
      delays.push(delayOf(event, probes.filter((e) => e.sessionId === event.sessionId).length));
    }, PROBE_EVERY_MS);

    const endings: Ending[] = [];
    for (const process of world.processes) {
      await sleep(2_000);
      endings.push(await process.restart());
      await eventually(
        () => {
          expect(process.isReady).to.equal(true);
        },
        { withinMs: 30_000 },
      );
    }
    await published;
    clearInterval(probing);
    const sorted = (await Promise.all(delays)).sort((a, b) => a - b);

    for (const { code, tookMs } of endings) {
      expect(code).to.equal(0);
      expect(tookMs).to.be.below(STOP_MS_MAX);
    }
    const traffic = {
      messages,
      events: [...events, ...probes],
      sessionIds: new Set([...sessionIds, ...probes.map((e) => e.sessionId)]),
    };
    await eventually(() => assertRight(world, PROJECT, traffic), { withinMs: SETTLED_MS });
    const worst = sorted.at(-1) ?? Infinity;
    process.stdout.write(
      `      ${events.length} events; stops took ${endings.map(({ tookMs }) => tookMs).join(' and ')} ms; published until seen in its session: median ${sorted[Math.floor(sorted.length / 2)]} ms, worst ${worst} ms of ${sorted.length}\n`,
    );
    expect(worst).to.be.below(DELAY_MS_MAX);
  });

  /** From the publish until the session shows the event. */
  async function delayOf(event: ReferenceEvent, count: number): Promise<number> {
    const { project: _project, eventId, ...payload } = event;
    const began = Date.now();
    await world.publish(PROJECT, { eventId, ...payload }, eventId);
    const handle = temporal.workflow.getHandle(sessionWorkflowId(PROJECT, event.sessionId));
    await eventually(
      async () => {
        const { events } = await handle.query(stateQuery);
        if (events < count) throw new Error(`${event.sessionId} shows ${events} of ${count}`);
      },
      { withinMs: SETTLED_MS, everyMs: 25 },
    );
    return Date.now() - began;
  }
});

/** An event of one of a few sessions that stay open for as long as the load lasts. */
function aProbe(n: number): ReferenceEvent {
  return {
    project: PROJECT,
    sessionId: `probe-${n % PROBE_SESSIONS}`,
    eventId: `${PROJECT}-probe-${n}`,
    eventType: 'click',
    timestamp: Date.UTC(2026, 2, 2, 10) + n * 1_000,
  };
}
