/** Traces on real servers: from a producer's `traceparent` to the row, off by default, and in nobody's way. */
import { setTimeout as sleep } from 'node:timers/promises';
import { jetstreamManager, type StoredMsg } from '@nats-io/jetstream';
import type { Client } from '@temporalio/client';
import { expect } from 'chai';
import { runCollector } from '../../collect/run.ts';
import { loadConfig, requireServers } from '../../platform/config.ts';
import { silentLog } from '../../platform/log.ts';
import { EVENTS_CONSUMER, EVENTS_STREAM, sessionWorkflowId } from '../../shared/ids.ts';
import { WRITE_TRACES_MAX } from '../../shared/limits.ts';
import { eventually } from '../support/eventually.ts';
import {
  type OtlpReceiver,
  type ReceivedSpan,
  startOtlpReceiver,
} from '../support/otlp-receiver.ts';
import {
  type Around,
  connectAround,
  connectTemporalOf,
  environmentOf,
  type PipelineProcess,
  QUICK_SETTINGS,
  sojourn,
  startPipelineProcess,
} from '../support/pipeline.ts';
import { useServers } from '../support/servers.ts';

const WITHIN = { withinMs: 60_000 };
const SPAN = '00f067aa0ba902b7';

/** Each test has traces of its own. */
let traces = 0;
function aTrace(flags = '01'): { id: string; traceparent: string } {
  traces += 1;
  const id = `4bf92f3577b34da6a3ce929d${traces.toString(16).padStart(8, '0')}`;
  return { id, traceparent: `00-${id}-${SPAN}-${flags}` };
}

const anEvent = (sessionId: string, n: number, fields: object = {}) => ({
  sessionId,
  eventId: `${sessionId}-${n}`,
  eventType: 'pageview',
  timestamp: Date.UTC(2026, 3, 1, 12, 0, n),
  properties: { path: `/page-${n}` },
  ...fields,
});

describe('traces', () => {
  const servers = useServers();
  let around: Around;
  let temporal: { client: Client; close(): Promise<void> };
  let receiver: OtlpReceiver;

  before(async () => {
    around = await connectAround(servers());
    const { client, connection } = await connectTemporalOf(servers());
    temporal = { client, close: () => connection.close() };
    receiver = await startOtlpReceiver();
  });

  after(async () => {
    await around.close();
    await temporal.close();
    await receiver.close();
  });

  const pageViews = async (project: string) => {
    const [row] = await around.select<{ views: string }>(
      `SELECT toString(sum(page_views)) AS views FROM sojourn.sessions_current WHERE project = '${project}'`,
    );
    return Number(row?.views);
  };
  const untilViews = (project: string, count: number) =>
    eventually(async () => {
      expect(await pageViews(project)).to.equal(count);
    }, WITHIN);

  const ofTrace = (id: string) => receiver.spans.filter(({ traceId }) => traceId === id);
  const named = (spans: readonly ReceivedSpan[], name: string) =>
    spans.filter((span) => span.name === name);
  const one = (spans: readonly ReceivedSpan[], name: string) => {
    const found = named(spans, name);
    expect(found, name).to.have.length(1);
    return found[0] as ReceivedSpan;
  };
  const untilLoaded = async (id: string) => {
    await eventually(() => {
      expect(named(ofTrace(id), 'process ROLLUPS')).not.to.be.empty;
    }, WITHIN);
    return ofTrace(id);
  };

  describe('with a collector', () => {
    let pipeline: PipelineProcess;

    before(async () => {
      pipeline = await startPipelineProcess(servers(), {
        ...QUICK_SETTINGS,
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
        OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20hidden',
        OTEL_SERVICE_NAME: 'numbers',
      });
    });

    after(() => pipeline.stop());

    it('go on with the trace of the producer, up to the row', async () => {
      const trace = aTrace();
      const headers = { traceparent: trace.traceparent, tracestate: 'vendor=abc' };

      const sequence = await around.publish('traced', anEvent('traced-1', 1), headers);

      const spans = await untilLoaded(trace.id);
      const taken = one(spans, 'process EVENTS');
      expect(taken).to.include({ parentSpanId: SPAN, traceState: 'vendor=abc', kind: 5 });
      expect(taken.service).to.equal('numbers');
      expect(taken.fields).to.include({
        'messaging.system': 'nats',
        'messaging.destination.name': 'EVENTS',
        'sojourn.project': 'traced',
        'sojourn.sequence': sequence,
        'sojourn.settled': 'acknowledged',
      });
      const delivered = one(spans, 'deliver');
      expect(delivered).to.include({ parentSpanId: taken.spanId, kind: 3 });
      expect(delivered.fields).to.include({ 'sojourn.outcome': 'started' });
      const session = one(spans, 'session');
      expect(session).to.include({ parentSpanId: delivered.spanId, kind: 1 });
      const record = one(spans, 'send ROLLUPS');
      expect(record).to.include({ parentSpanId: session.spanId, kind: 4 });
      expect(record.fields).to.include({ 'sojourn.write': 1, 'sojourn.project': 'traced' });
      const loaded = one(spans, 'process ROLLUPS');
      expect(loaded).to.include({ parentSpanId: record.spanId, kind: 5 });
      for (const span of spans) expect(span.endMs).to.be.at.least(span.startMs);
      expect(spans).to.have.length(5);

      // A load is of many traces, and so one of its own.
      const [link] = loaded.links;
      const ofLoad = () => ofTrace(link?.traceId ?? '');
      await eventually(() => one(ofLoad(), 'send METRICS'), WITHIN);
      const load = one(ofLoad(), 'load');
      expect(load).to.include({ spanId: link?.spanId, parentSpanId: '' });
      expect(load.links).to.deep.include({ traceId: trace.id, spanId: record.spanId });
      for (const table of ['metrics_inbox', 'sessions', 'loaded_ranges']) {
        const insert = one(ofLoad(), `INSERT ${table}`);
        expect(insert).to.include({ parentSpanId: load.spanId, kind: 3 });
        expect(insert.fields).to.include({ 'db.system.name': 'clickhouse' });
      }
      const announced = one(ofLoad(), 'send METRICS');
      expect(announced.parentSpanId).to.equal(load.spanId);
      const { header } = await lastMessage('METRICS', 'metrics.updated.traced');
      expect(header.get('traceparent')).to.equal(`00-${load.traceId}-${announced.spanId}-01`);
      await untilViews('traced', 1);
    });

    it('go on in a session that is open, and in one that is reopened, by whatever way it writes', async () => {
      const outcomes = new Map<string, string>();
      for (const outcome of ['started', 'signalled', 'reopened']) {
        const trace = aTrace();
        const n = outcomes.size + 1;
        if (outcome === 'reopened') await untilClosed('traced-open', 'open-1');
        await around.publish('traced-open', anEvent('open-1', n), {
          traceparent: trace.traceparent,
        });
        const spans = await untilLoaded(trace.id);
        const record = one(spans, 'send ROLLUPS');
        expect(one(spans, 'process ROLLUPS').parentSpanId, outcome).to.equal(record.spanId);
        expect(one(spans, 'session').parentSpanId).to.equal(one(spans, 'deliver').spanId);
        outcomes.set(outcome, String(one(spans, 'deliver').fields['sojourn.outcome']));
      }

      expect(Object.fromEntries(outcomes)).to.deep.equal({
        started: 'started',
        signalled: 'signalled',
        reopened: 'reopened',
      });
      await untilViews('traced-open', 3);
    });

    it('are of many sessions, and of many traces, without an end to either', async () => {
      const array = aTrace();
      const sessions = ['many-1', 'many-2', 'many-3'];
      const all = sessions.map((session) => anEvent(session, 1));
      await around.publish('traced-many', all, { traceparent: array.traceparent });
      const several = Array.from({ length: 20 }, () => aTrace());
      for (const [n, { traceparent }] of several.entries()) {
        await around.publish('traced-many', anEvent('many-4', n), { traceparent });
      }

      await untilViews('traced-many', 23);
      await eventually(() => {
        expect(named(ofTrace(array.id), 'process ROLLUPS')).to.have.length(3);
        for (const { id } of several) one(ofTrace(id), 'process EVENTS');
      }, WITHIN);
      expect(named(ofTrace(array.id), 'process EVENTS')).to.have.length(1);
      expect(named(ofTrace(array.id), 'deliver')).to.have.length(3);
      const written = new Map<string, number>();
      for (const { fields } of named(
        several.flatMap(({ id }) => ofTrace(id)),
        'session',
      )) {
        const key = `${String(fields['sojourn.run'])} ${String(fields['sojourn.write'])}`;
        written.set(key, (written.get(key) ?? 0) + 1);
      }
      expect(written.size).to.be.above(0);
      for (const [write, count] of written) expect(count, write).to.be.at.most(WRITE_TRACES_MAX);
    });

    it('begin with a request to the way in for trackers', async () => {
      const environment = environmentOf(servers());
      const key = ['project', 'set', 'collected', '--collect-key', 'traced-key'];
      expect((await sojourn(key, environment)).code).to.equal(0);
      const config = loadConfig({ ...environment, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url });
      const collector = await runCollector(
        requireServers(config, ['NATS_URL', 'REDIS_URL']),
        silentLog,
        { port: 0, portFlag: '--port' },
      );
      const trace = aTrace();
      try {
        await eventually(async () => {
          const { status } = await fetch(`${collector.url}/events?key=traced-key`, {
            method: 'POST',
            headers: { traceparent: trace.traceparent },
            body: JSON.stringify(anEvent('collected-1', 1)),
          });
          expect(status).to.equal(200);
        }, WITHIN);
      } finally {
        await collector.close();
      }

      const spans = await untilLoaded(trace.id);
      expect(one(spans, 'process EVENTS').parentSpanId).to.equal(SPAN);
      await untilViews('collected', 1);
    });

    it('end in ingest where a message is a dead letter', async () => {
      const trace = aTrace();
      const headers = { traceparent: trace.traceparent };

      await around.publish('broken', { eventType: 'pageview', timestamp: 5 }, headers);

      await eventually(() => one(ofTrace(trace.id), 'process EVENTS'), WITHIN);
      const taken = one(ofTrace(trace.id), 'process EVENTS');
      expect(taken.isError).to.equal(true);
      expect(taken.fields).to.include({ 'error.type': 'dead_letter' });
      expect(ofTrace(trace.id)).to.have.length(1);
    });

    it('are none of what is not sampled, or is no traceparent', async () => {
      const before = receiver.spans.length;
      const unsampled = aTrace('00');
      const wrong = [
        unsampled.traceparent,
        aTrace().traceparent.toUpperCase(),
        'ff',
        '0'.repeat(55),
      ];

      for (const [n, traceparent] of wrong.entries()) {
        await around.publish('unsampled', anEvent('unsampled-1', n), { traceparent });
      }
      await untilViews('unsampled', wrong.length);
      await sleep(2_500);

      const since = receiver.spans.slice(before);
      expect(since.filter(({ fields }) => fields['sojourn.project'] === 'unsampled')).to.be.empty;
      expect(ofTrace(unsampled.id)).to.be.empty;
    });

    it('are sent to the last one where the process is stopped', async () => {
      const trace = aTrace();
      await around.publish('traced-stopped', anEvent('stopped-1', 1), {
        traceparent: trace.traceparent,
      });
      const jsm = await jetstreamManager(around.nc);
      await eventually(async () => {
        const { num_pending: waiting } = await jsm.consumers.info(EVENTS_STREAM, EVENTS_CONSUMER);
        expect(waiting).to.equal(0);
      }, WITHIN);

      expect(await pipeline.stop()).to.equal(0);

      const taken = one(ofTrace(trace.id), 'process EVENTS');
      expect(taken.fields).to.include({ 'sojourn.settled': 'acknowledged' });
      expect(ofTrace(trace.id).map(({ name }) => name)).to.include('deliver');
    });

    it('have nothing of a person in them, and no secret is logged', () => {
      const sent = JSON.stringify(receiver.spans);

      for (const personal of ['traced-1', 'open-1', 'many-', 'stopped-', '/page-', 'pageview']) {
        expect(sent).not.to.include(personal);
      }
      expect(receiver.requests.every(({ authorization }) => authorization === 'Bearer hidden')).to
        .be.true;
      expect(pipeline.log()).to.include('traces are on').and.not.to.include('hidden');
      expect(pipeline.log()).not.to.include('takes no traces');
    });
  });

  describe('without one', () => {
    let pipeline: PipelineProcess;

    before(async () => {
      pipeline = await startPipelineProcess(servers());
    });

    after(async () => {
      expect(await pipeline.stop()).to.equal(0);
    });

    it('are nowhere: nothing is sent, and no history and no message has a word of them', async () => {
      const [requests, trace] = [receiver.requests.length, aTrace()];
      const headers = { traceparent: trace.traceparent };

      for (const n of [1, 2]) {
        await around.publish('untraced', anEvent('untraced-1', n), headers);
        await untilViews('untraced', n);
      }
      await untilClosed('untraced', 'untraced-1');

      expect(receiver.requests).to.have.length(requests);
      const handle = temporal.client.workflow.getHandle(
        sessionWorkflowId('untraced', 'untraced-1'),
      );
      const { runId } = await handle.describe();
      const history = textOf(await handle.fetchHistory());
      expect(history).to.include('untraced-1').and.not.to.include('traces');
      expect(history).not.to.include(trace.id);
      for (const writeNo of [1, 2]) {
        const message = await lastMessage('ROLLUPS', `rollups.0.${runId}.${writeNo}`);
        expect(message.header.keys()).to.deep.equal(['Sojourn-Session']);
        expect(message.string()).not.to.include(trace.id);
      }
      const announced = await lastMessage('METRICS', 'metrics.updated.untraced');
      expect(announced.header.keys()).to.deep.equal(['Nats-Msg-Id']);
    });
  });

  describe('with a collector that is away', () => {
    it('keep no row, and nobody at the stop', async () => {
      const silent = await startOtlpReceiver();
      silent.setSilent(true);
      const pipeline = await startPipelineProcess(servers(), {
        ...QUICK_SETTINGS,
        OTEL_EXPORTER_OTLP_ENDPOINT: silent.url,
      });
      try {
        for (let n = 0; n < 50; n += 1) {
          const { traceparent } = aTrace();
          await around.publish('traced-away', anEvent(`away-${n % 5}`, n), { traceparent });
        }
        const publishedAt = performance.now();
        await untilViews('traced-away', 50);
        expect(performance.now() - publishedAt).to.be.below(30_000);
        await eventually(() => {
          expect(pipeline.log()).to.include('the collector takes no traces');
        }, WITHIN);
        const { traceparent } = aTrace();
        await around.publish('traced-away', anEvent('away-0', 50), { traceparent });
        await untilViews('traced-away', 51);
        expect(pipeline.log().split('the collector takes no traces')).to.have.length(2);
      } finally {
        const at = performance.now();
        const code = await pipeline.stop();
        await silent.close();
        expect(code).to.equal(0);
        expect(performance.now() - at).to.be.below(30_000);
      }
    });
  });

  const untilClosed = (project: string, sessionId: string) =>
    eventually(async () => {
      const handle = temporal.client.workflow.getHandle(sessionWorkflowId(project, sessionId));
      expect((await handle.describe()).status.name).to.equal('COMPLETED');
    }, WITHIN);

  async function lastMessage(stream: string, subject: string): Promise<StoredMsg> {
    const jsm = await jetstreamManager(around.nc);
    const message = await jsm.streams.getMessage(stream, { last_by_subj: subject });
    return message ?? expect.fail(`nothing on ${subject}`);
  }
});

/** A history with what payloads say in plain text. */
function textOf(history: unknown): string {
  return JSON.stringify(history, (_name, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString() : value,
  );
}
