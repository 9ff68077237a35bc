/** A deploy under load: processes are replaced one after the other, and nobody outside notices. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { Client } from '@temporalio/client';
import { ACK_WAIT_MS } from '../../platform/events-consumer.ts';
import { type AnyBatch, eventsOf } from '../../shared/batch.ts';
import { eventsSignal } from '../../workflows/messages.ts';
import { eventually } from '../support/eventually.ts';
import { assertRight } from '../support/fault-round.ts';
import { makeTraffic } from '../support/fault-traffic.ts';
import { type FaultWorld, startFaultWorld } from '../support/fault-world.ts';
import { ANY_PORTS, connectTemporalOf } from '../support/pipeline.ts';
import { randomOf } from '../support/random.ts';
import type { Ending } from '../support/supervised.ts';

const SETTINGS = { SESSION_IDLE_TIMEOUT: '6s', SESSION_CHECKPOINT: '4s', LATE_GRACE: '1s' };
const PROJECT = 'rolling';
const LOAD_MS = 15_000;
/** Some 60 events a second. */
const SHAPE = { sessions: 110, durationMs: LOAD_MS };
/** An orchestrator kills what has not ended by then. */
const STOP_MS_MAX = 20_000;
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
    const { client, connection } = await connectTemporalOf(world.servers);
    temporal = client;
    closeTemporal = () => connection.close();
    for (const name of ['a', 'b'])
      world.run(name, ['up', '--data-dir', `${world.folder}/${name}`, ...ANY_PORTS]);
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
    this.timeout(LOAD_MS + 2 * SETTLED_MS + 60_000);
    const traffic = makeTraffic(randomOf(4), PROJECT, SHAPE);
    const acknowledgedAt = new Map<string, number>();
    const published = Promise.all(
      traffic.messages.map(async ({ atMs, payload, messageId }) => {
        await sleep(atMs);
        await world.publish(PROJECT, payload, messageId);
        for (const id of idsOf(payload, messageId)) {
          if (!acknowledgedAt.has(id)) acknowledgedAt.set(id, Date.now());
        }
      }),
    );
    const stops: Ending[] = [];
    for (const one of world.processes) {
      await sleep(2_000);
      stops.push(await one.restart());
      await eventually(
        () => {
          expect(one.isReady).to.equal(true);
        },
        { withinMs: 30_000 },
      );
    }
    await published;

    for (const { code, tookMs } of stops) {
      expect(code).to.equal(0);
      expect(tookMs).to.be.below(STOP_MS_MAX);
    }
    await eventually(() => assertRight(world, PROJECT, traffic), { withinMs: SETTLED_MS });
    const delays = (await foldedAt()).map(([id, at]) => at - (acknowledgedAt.get(id) ?? NaN));
    delays.sort((a, b) => a - b);
    const median = delays[Math.floor(delays.length / 2)] ?? NaN;
    const worst = delays.at(-1) ?? NaN;
    expect(delays).to.have.length(acknowledgedAt.size);
    process.stdout.write(
      `      ${delays.length} events; stops took ${stops.map(({ tookMs }) => tookMs).join(' and ')} ms; acknowledged until folded in: median ${median} ms, 99 % ${delays[Math.floor(delays.length * 0.99)]} ms, worst ${worst} ms\n`,
    );
    // How long depends on the machine; that nothing had to wait for a redelivery does not.
    expect(worst).to.be.below(ACK_WAIT_MS);
  });

  /**
   * When each event was first folded in, out of the histories: the end of the workflow task that took
   * it up. (Asking the sessions all the time would slow down what is measured.)
   */
  async function foldedAt(): Promise<[string, number][]> {
    const first = new Map<string, number>();
    const query = `WorkflowType = 'session' AND SojournProject = '${PROJECT}'`;
    for await (const { workflowId, runId } of temporal.workflow.list({ query })) {
      const { events } = await temporal.workflow.getHandle(workflowId, runId).fetchHistory();
      let open: string[] = [];
      for (const event of events ?? []) {
        const signal = event.workflowExecutionSignaledEventAttributes;
        const input =
          signal?.signalName === eventsSignal.name
            ? signal.input
            : event.workflowExecutionStartedEventAttributes?.input;
        for (const { data } of input?.payloads ?? []) open.push(...idsIn(data));
        if (!event.workflowTaskCompletedEventAttributes) continue;
        const { seconds, nanos } = event.eventTime ?? {};
        const at = Number(seconds) * 1_000 + Math.floor(Number(nanos) / 1e6);
        for (const id of open) first.set(id, Math.min(first.get(id) ?? Infinity, at));
        open = [];
      }
    }
    return [...first];
  }
});

/** Ids of the events of a message. */
function idsOf(payload: object, messageId: string): string[] {
  const events = (Array.isArray(payload) ? payload : [payload]) as { readonly eventId?: string }[];
  return events.map(({ eventId }) => eventId ?? messageId);
}

/** Ids of the events in the argument of a start or a signal. */
function idsIn(data: Uint8Array | null | undefined): string[] {
  const argument = JSON.parse(new TextDecoder().decode(data ?? new Uint8Array())) as
    { readonly batch: AnyBatch } | AnyBatch;
  return eventsOf('batch' in argument ? argument.batch : argument).map(({ id }) => id);
}
