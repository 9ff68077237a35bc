/** The spans that each part of the pipeline makes: of whom, how many at the most, and none where nobody asks. */
import { headers } from '@nats-io/transport-node';
import { expect } from 'chai';
import { createLoadTraces } from '../../activities/load-traces.ts';
import type { Announcer } from '../../activities/announce-batch.ts';
import { beginRecord, createRangeTraces, setTraces } from '../../platform/rollup-traces.ts';
import { LOAD_TRACES_MAX, WRITE_TRACES_MAX } from '../../shared/limits.ts';
import type { LogRange } from '../../shared/ranges.ts';
import type { RangeSums } from '../../shared/rollup.ts';
import { formatTraceparent, traceIdOf } from '../../shared/traces.ts';
import type { Delivery, HeldMessage } from '../../workers/ingest/gather.ts';
import { createIngestTraces } from '../../workers/ingest/ingest-traces.ts';
import type { Received } from '../../workers/ingest/raw-message.ts';
import { recordSpans } from '../support/recorded-spans.ts';

const SPAN = '00f067aa0ba902b7';
const traceId = (n: number) => n.toString(16).padStart(32, '0');
const parentOf = (n: number) => `00-${traceId(n)}-${SPAN}-01`;

function received(fields: Record<string, string>): Received {
  const head = headers();
  for (const [name, value] of Object.entries(fields)) head.set(name, value);
  return {
    ...{ subject: 'events.shop.pageview', data: new Uint8Array(7), seq: 42, receivedAt: 1 },
    headers: () => head,
  };
}

describe('traces of ingest', () => {
  const WHAT = { project: 'shop', events: 1 };

  it('go on with a sampled context only', () => {
    const { tracing, spans } = recordSpans();
    const traces = createIngestTraces(tracing);
    const unreadable = (): never => {
      throw new Error('no headers');
    };

    for (const fields of [
      {},
      { traceparent: parentOf(1).replace(/01$/, '00') },
      { traceparent: parentOf(1).toUpperCase() },
      { tracestate: 'vendor=abc' },
    ]) {
      expect(traces.taken(received(fields), WHAT)).to.equal(undefined);
    }
    expect(traces.taken({ ...received({}), headers: unreadable }, WHAT)).to.equal(undefined);
    expect(traces.taken({ ...received({}), headers: () => undefined }, WHAT)).to.equal(undefined);
    expect(spans).to.deep.equal([]);

    traces.taken(received({ traceparent: parentOf(1), tracestate: 'vendor=abc' }), WHAT);
    expect(spans[0]?.parent).to.deep.equal({
      traceId: traceId(1),
      spanId: SPAN,
      state: 'vendor=abc',
    });
    // Names of headers are of any case to HTTP, and libraries write them so.
    expect(traces.taken(received({ Traceparent: parentOf(1) }), WHAT)).not.to.equal(undefined);
    spans.pop();
    const state = 'x'.repeat(513);
    traces.taken(received({ traceparent: parentOf(1), tracestate: state }), WHAT);
    expect(spans[1]?.parent).to.deep.equal({ traceId: traceId(1), spanId: SPAN });
  });

  it('end with what JetStream is told, as an error where a part is a dead letter', () => {
    const { tracing, spans } = recordSpans();
    const traces = createIngestTraces(tracing);
    const take = () => traces.taken(received({ traceparent: parentOf(1) }), WHAT);

    take()?.settled('acknowledged');
    take()?.settled('given back');
    const bad = take();
    bad?.deadLetter();
    bad?.settled('acknowledged');

    expect(spans.map(({ ended }) => ended)).to.deep.equal([
      { fields: { 'sojourn.settled': 'acknowledged' } },
      { fields: { 'sojourn.settled': 'given back' } },
      { fields: { 'sojourn.settled': 'acknowledged' }, error: 'dead_letter' },
    ]);
  });

  /** A delivery of one event of each of these traces; 0: of none. */
  function deliveryOf(traces: ReturnType<typeof createIngestTraces>, ids: readonly number[]) {
    const messages = ids.map((n, seq): HeldMessage => {
      const fields = n === 0 ? {} : { traceparent: parentOf(n) };
      const trace = traces.taken(received(fields), WHAT);
      return { ...{ seq, receivedAt: 1, bytes: 7, open: 1 }, ...(trace && { trace }) };
    });
    const events = ids.map((_, n) => ({ id: String(n), type: 'pageview', at: 1, seq: n }));
    return { project: 'shop', sessionId: 's', events, messages, sizes: [] } as unknown as Delivery;
  }

  it('tell a session of one span for each trace, and of so many at the most', async () => {
    const { tracing, spans } = recordSpans();
    const traces = createIngestTraces(tracing);
    const told: Delivery[] = [];
    const deliver = traces.around((delivery) => {
      told.push(delivery);
      return Promise.resolve('signalled');
    });

    await deliver(deliveryOf(traces, [1, 0, 1, 2, 2, 2]), 0);

    const deliveries = spans.filter(({ name }) => name === 'deliver');
    expect(deliveries.map(({ parent }) => parent)).to.deep.equal([
      spans[0]?.context,
      spans[2]?.context,
    ]);
    expect(deliveries.map(({ links }) => links)).to.deep.equal([
      [spans[1]?.context],
      [spans[3]?.context, spans[4]?.context],
    ]);
    expect(deliveries.map(({ ended }) => ended?.fields?.['sojourn.outcome'])).to.deep.equal([
      'signalled',
      'signalled',
    ]);
    expect(told[0]?.traces).to.deep.equal({
      of: deliveries.map(({ context }) => formatTraceparent(context)),
    });

    const many = Array.from({ length: WRITE_TRACES_MAX + 3 }, (_, n) => n + 1);
    await deliver(deliveryOf(traces, many), 0);
    expect(told[1]?.traces?.of.map(traceIdOf)).to.deep.equal(
      many.slice(0, WRITE_TRACES_MAX).map(traceId),
    );
    expect(told[1]?.traces?.left).to.equal(3);
  });

  it('tell it of nothing where there is none, and end where it does not take what it is told', async () => {
    const { tracing, spans } = recordSpans();
    const traces = createIngestTraces(tracing);
    const delivery = deliveryOf(traces, [0, 0]);
    let told: Delivery | undefined;
    await traces.around((one) => {
      told = one;
      return Promise.resolve('started');
    })(delivery, 0);
    expect(told).to.equal(delivery);

    const failing = traces.around(() =>
      Promise.reject(Object.assign(new Error('session/shop/ada'), { code: 'ECONNRESET' })),
    );
    const error = await failing(deliveryOf(traces, [1]), 0).catch((thrown: unknown) => thrown);

    expect(error).to.be.instanceOf(Error);
    expect(spans.at(-1)).to.deep.include({ name: 'deliver', ended: { error: 'ECONNRESET' } });
    expect(JSON.stringify(spans)).not.to.include('ada');
  });
});

describe('traces through the rollup log', () => {
  const RECORD = { subject: 'rollups.0.a-run.3', data: '{}', workflowId: 'session/shop/ada' };

  it('stand beside a record as the spans that wrote it, and are found there again', () => {
    const { tracing, spans } = recordSpans();
    const of = [
      { parent: parentOf(1), at: 1_000 },
      { parent: parentOf(2), at: 2_000 },
    ];

    const record = beginRecord(tracing, RECORD, { of, left: 5 });
    const head = headers();
    setTraces(head, record);
    record.done(true);

    const [session, sent] = spans;
    expect(session?.parent).to.deep.equal({ traceId: traceId(1), spanId: SPAN });
    expect(session?.at).to.equal(1_000);
    expect(session?.fields).to.deep.equal({
      'sojourn.project': 'shop',
      'sojourn.run': 'a-run',
      'sojourn.write': 3,
      'sojourn.traces_left': 5,
    });
    expect(sent?.parent).to.deep.equal(session?.context);
    expect(spans.every(({ ended }) => ended !== undefined)).to.equal(true);
    expect(JSON.stringify(spans)).not.to.include('ada');
    const range = createRangeTraces();
    range.add(head);
    range.add(head);
    expect(range.bundle()).to.deep.equal({
      of: [spans[1], spans[3]].map((span) => formatTraceparent(span?.context ?? expect.fail())),
    });
  });

  it('never begin before they are taken up by a clock that goes ahead', () => {
    const { tracing, spans } = recordSpans();
    beginRecord(tracing, RECORD, { of: [{ parent: parentOf(1), at: Date.now() + 60_000 }] });

    expect(spans[0]?.at).to.be.at.most(Date.now() + 1_000);
    expect(spans[0]?.ended?.at).to.equal(spans[0]?.at);
  });

  it('say where the log had the record before, and where it does not answer', () => {
    const { tracing, spans } = recordSpans();
    const begin = () => beginRecord(tracing, RECORD, { of: [{ parent: parentOf(1), at: 1 }] });

    begin().done(false);
    begin().failed(new TypeError('session/shop/ada'));

    expect(spans[1]?.ended).to.deep.equal({ fields: { 'sojourn.known': true } });
    expect(spans[3]?.ended).to.deep.equal({ error: 'TypeError' });
  });

  it('are so many of a range at the most, whatever its records say', () => {
    const range = createRangeTraces();
    const head = (text: string) => {
      const made = headers();
      made.set('Sojourn-Traces', text);
      return made;
    };

    range.add(undefined);
    range.add(headers());
    range.add(head('no trace'));
    expect(range.bundle()).to.equal(undefined);
    for (let n = 1; n <= 100; n += 1) range.add(head(`${parentOf(2 * n)} ${parentOf(2 * n + 1)}`));
    expect(range.bundle()?.of).to.have.length(LOAD_TRACES_MAX);
    expect(range.bundle()?.left).to.equal(200 - LOAD_TRACES_MAX);
  });
});

describe('traces of a load', () => {
  const RANGE = { partition: 0, log: 'a-log', from: 17, to: 42 } as unknown as LogRange;
  const sums = (of?: readonly string[]) =>
    ({ records: 26, ...(of && { traces: { of } }) }) as unknown as RangeSums;
  const announcer: Announcer & { said: unknown[] } = {
    said: [],
    announce(subject, _data, options) {
      this.said.push([subject, options]);
      return Promise.resolve();
    },
  };
  const tables = { insert: () => Promise.resolve() };

  it('are one of its own with a link to each, and a span in each that links back', async () => {
    const { tracing, spans } = recordSpans();
    const traces = createLoadTraces(tracing);

    const load = traces.loading(tables);
    await load.tables.insert('sessions', [{}, {}], 'token');
    load.loaded(RANGE, sums([parentOf(1), parentOf(2)]), 2);

    const [own, insert, ...theirs] = spans;
    expect(own).to.deep.include({
      name: 'load',
      links: [1, 2].map((n) => ({ traceId: traceId(n), spanId: SPAN })),
    });
    expect(own?.parent).to.equal(undefined);
    expect(own?.fields).to.include({
      'messaging.batch.message_count': 26,
      'sojourn.attempt': 2,
      'sojourn.range_from': 17,
    });
    expect(insert).to.deep.include({ name: 'INSERT sessions', parent: own?.context });
    expect(insert?.fields['db.operation.batch.size']).to.equal(2);
    expect(theirs.map(({ parent, links }) => [parent?.traceId, links])).to.deep.equal([
      [traceId(1), [own?.context]],
      [traceId(2), [own?.context]],
    ]);
    expect(spans.every(({ ended }) => ended !== undefined)).to.equal(true);
  });

  it('go on with what is announced, once', async () => {
    const { tracing, spans } = recordSpans();
    const traces = createLoadTraces(tracing);
    traces.loading(tables).loaded(RANGE, sums([parentOf(1)]), 1);

    const span = traces.announcing(RANGE, announcer);
    await span?.announcer.announce('metrics.updated.shop', '{}', {
      messageId: 'm',
      isPatient: true,
    });
    span?.end();
    span?.end();

    const sent = spans.at(-1);
    expect(sent).to.deep.include({ name: 'send METRICS', parent: spans[0]?.context });
    expect(sent?.ended?.fields).to.deep.equal({ 'messaging.batch.message_count': 1 });
    const traceparent = formatTraceparent(sent?.context ?? expect.fail());
    expect(announcer.said).to.deep.equal([
      ['metrics.updated.shop', { messageId: 'm', isPatient: true, traceparent }],
    ]);
  });

  it('are none where its records are of none', () => {
    const { tracing, spans } = recordSpans();
    const traces = createLoadTraces(tracing);
    traces.loading(tables).loaded(RANGE, sums([parentOf(1)]), 1);
    spans.length = 0;

    const next = { ...RANGE, from: 43, to: 50 };
    traces.loading(tables).loaded(next, sums(), 1);

    expect(spans).to.deep.equal([]);
    expect(traces.announcing(next, announcer)).to.equal(undefined);
    expect(traces.announcing(RANGE, announcer)).to.equal(undefined);
  });
});
