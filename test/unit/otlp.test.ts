import { expect } from 'chai';
import { pino } from 'pino';
import { loadConfig } from '../../platform/config.ts';
import { createOtlpTracing } from '../../platform/otlp.ts';
import { openTracing, type SpanStart, type Tracing } from '../../platform/tracing.ts';
import { eventually } from '../support/eventually.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';

const WITHIN = { withinMs: 10_000 };
const PARENT = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' };
const START: SpanStart = { name: 'a', kind: 'internal', parent: PARENT, fields: {} };

interface Line {
  readonly msg: string;
}

describe('spans on their way to a collector', () => {
  let receiver: OtlpReceiver;
  let lines: Line[];
  let tracing: Tracing;

  function open(endpoint: string, stopMsMax = 10_000): Tracing {
    lines = [];
    const log = pino({}, { write: (line) => lines.push(JSON.parse(line) as Line) });
    const headers = { authorization: 'Bearer hidden' };
    const options = { endpoint, headers, serviceName: 'sojourn' };
    return createOtlpTracing(options, log, { sendEveryMs: 10, stopMsMax });
  }
  const said = (what: string) => lines.filter(({ msg }) => msg.includes(what));

  beforeEach(async () => {
    receiver = await startOtlpReceiver();
    tracing = open(`${receiver.url}/`);
  });

  afterEach(async () => {
    await tracing.stop();
    await receiver.close();
  });

  it('are as they were begun and ended, and come with the headers that are wanted', async () => {
    const outer = tracing.begin({
      ...START,
      parent: { ...PARENT, state: 'vendor=abc' },
      kind: 'consumer',
      at: 1_700_000_000_000.25,
      links: [{ traceId: PARENT.traceId, spanId: 'ffffffffffffffff' }],
      fields: { 'sojourn.project': 'shop', 'sojourn.events': 3 },
    });
    outer.end({ at: 1_700_000_000_250, fields: { more: true }, error: 'UNAVAILABLE' });
    tracing.begin({ ...START, name: 'b', parent: outer.context, kind: 'client' }).end();
    await tracing.stop();

    const [a, b] = receiver.spans;
    expect(a).to.deep.include({
      traceId: PARENT.traceId,
      parentSpanId: PARENT.spanId,
      traceState: 'vendor=abc',
      kind: 5,
      startMs: 1_700_000_000_000.25,
      endMs: 1_700_000_000_250,
      links: [{ traceId: PARENT.traceId, spanId: 'ffffffffffffffff' }],
      isError: true,
      service: 'sojourn',
    });
    expect(a?.fields).to.deep.equal({
      'sojourn.project': 'shop',
      'sojourn.events': 3,
      more: true,
      'error.type': 'UNAVAILABLE',
    });
    expect(b).to.include({ parentSpanId: a?.spanId, traceId: PARENT.traceId, kind: 3 });
    expect(b?.endMs).to.be.at.least(b?.startMs ?? Infinity);
    expect(receiver.requests[0]).to.include({
      url: '/v1/traces',
      authorization: 'Bearer hidden',
      'content-type': 'application/json',
    });
    expect(JSON.stringify(lines)).not.to.include('hidden');
  });

  it('are dropped while it is away, which is said once, and that it is back', async () => {
    receiver.setRefusing(true);
    for (let n = 0; n < 3; n += 1) {
      tracing.begin(START).end();
      const before = receiver.requests.length;
      await eventually(() => {
        expect(receiver.requests.length).to.be.above(before);
      }, WITHIN);
    }
    expect(said('takes no traces')).to.have.length(1);

    receiver.setRefusing(false);
    tracing.begin({ ...START, name: 'later' }).end();
    await eventually(() => {
      expect(said('takes traces again')).to.have.length(1);
    }, WITHIN);
    expect(receiver.spans.map(({ name }) => name)).to.deep.equal(['later']);
    expect(said('takes no traces')).to.have.length(1);
  });

  it('are not waited for at a stop for longer than is meant, whatever it does', async () => {
    tracing = open(receiver.url, 300);
    receiver.setSilent(true);
    for (let n = 0; n < 2_000; n += 1) tracing.begin(START).end();

    const at = performance.now();
    await tracing.stop();

    expect(performance.now() - at).to.be.below(2_000);
  });

  it('are no more than the queue holds, and one batch, however many are made at once', async () => {
    for (let n = 0; n < 20_000; n += 1) tracing.begin(START).end();
    await tracing.stop();

    await eventually(() => {
      expect(receiver.spans).to.have.length(4_096 + 512);
    }, WITHIN);
  });

  it('are none where nobody is there to take them', async () => {
    await tracing.stop();
    const config = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_TRACES_EXPORTER: 'none' };
    const log = pino({ level: 'silent' });

    expect(await openTracing(loadConfig({}), log)).to.equal(undefined);
    expect(await openTracing(loadConfig(config), log)).to.equal(undefined);
  });
});
