/**
 * Spans by OTLP over HTTP, as JSON, to a collector. They wait in a queue that is bounded, are sent in the background,
 * and are dropped where the collector does not take them: one line in the log says so, and one that it takes them again.
 */
import { randomUUID } from 'node:crypto';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import {
  createTraceState,
  INVALID_SPANID,
  INVALID_TRACEID,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  type SpanExporter,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { LOAD_TRACES_MAX } from '../shared/limits.ts';
import type { TraceContext } from '../shared/traces.ts';
import type { Logger } from './log.ts';
import { publicAddress } from './secrets.ts';
import type { TraceSettings } from './trace-settings.ts';
import { errorWord, type OpenSpan, type SpanStart, spanNow, type Tracing } from './tracing.ts';
import { within } from './within.ts';

/** How often spans are sent, and how long the last ones may take. */
export interface OtlpPace {
  readonly sendEveryMs: number;
  readonly stopMsMax: number;
}

const PACE: OtlpPace = { sendEveryMs: 2_000, stopMsMax: 2_000 };
/** Spans that wait; about a kilobyte each. */
const QUEUE_MAX = 4_096;
const BATCH_MAX = 512;
/** For one request, with the tries that it takes. */
const SEND_MS_MAX = 5_000;
/** Names and numbers are short; what is longer than this is somebody's mistake. */
const VALUE_CHARS_MAX = 256;

const KINDS: Readonly<Record<SpanStart['kind'], SpanKind>> = {
  internal: SpanKind.INTERNAL,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
};

/** Sampled by who began the trace, so all that comes here is sent. */
export function createOtlpTracing(
  { endpoint, headers, serviceName }: TraceSettings,
  log: Logger,
  { sendEveryMs, stopMsMax }: OtlpPace = PACE,
): Tracing {
  // As OpenTelemetry has it: below whatever path there is.
  const url = `${endpoint.replace(/\/+$/, '')}/v1/traces`;
  const agent = new (url.startsWith('https:') ? HttpsAgent : HttpAgent)({ keepAlive: true });
  const exporter = new OTLPTraceExporter({
    ...{ url, headers, timeoutMillis: SEND_MS_MAX },
    httpAgentOptions: () => agent,
  });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': serviceName,
      'service.instance.id': randomUUID(),
    }),
    sampler: new AlwaysOnSampler(),
    spanLimits: { linkCountLimit: LOAD_TRACES_MAX, attributeValueLengthLimit: VALUE_CHARS_MAX },
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: sayingWhenAway(exporter, url, log),
        maxQueueSize: QUEUE_MAX,
        maxExportBatchSize: BATCH_MAX,
        scheduledDelayMillis: sendEveryMs,
        exportTimeoutMillis: SEND_MS_MAX + 1_000,
      }),
    ],
  });
  const tracer = provider.getTracer('sojourn');
  let hasSaidFault = false;
  const sayFault = (error: unknown) => {
    if (!hasSaidFault)
      log.warn({ reason: errorWord(error) }, 'spans are missing: one was not made');
    hasSaidFault = true;
  };
  log.info({ collector: publicAddress(url) }, 'traces are on');

  const begin = ({
    name,
    kind,
    parent,
    links = [],
    at = spanNow(),
    fields,
  }: SpanStart): OpenSpan => {
    const span = tracer.startSpan(
      name,
      {
        kind: KINDS[kind],
        attributes: fields,
        links: links.map((link) => ({ context: spanContextOf(link) })),
        startTime: at,
      },
      parent === undefined
        ? ROOT_CONTEXT
        : trace.setSpanContext(ROOT_CONTEXT, spanContextOf(parent)),
    );
    const { traceId, spanId } = span.spanContext();
    const state = parent?.state;
    return {
      context: { traceId, spanId, ...(state !== undefined && { state }) },
      end({ fields: more, error, at: endedAt = spanNow() } = {}) {
        if (more !== undefined) span.setAttributes(more);
        if (error !== undefined) {
          span.setAttribute('error.type', error).setStatus({ code: SpanStatusCode.ERROR });
        }
        span.end(endedAt);
      },
    };
  };

  return {
    begin(start) {
      try {
        return guarded(begin(start), sayFault);
      } catch (error) {
        sayFault(error);
        return NO_SPAN;
      }
    },
    async stop() {
      const inTime = await within(stopMsMax, provider.shutdown()).catch(() => false);
      if (!inTime) log.debug('the last spans were not taken in time');
      agent.destroy();
    },
  };
}

/** Of a span that could not be begun: what is below it belongs to no trace, and is sent nowhere that counts. */
const NO_SPAN: OpenSpan = {
  context: { traceId: INVALID_TRACEID, spanId: INVALID_SPANID },
  end: () => undefined,
};

/** A span is never worth an event: whatever the library throws, the pipeline goes on. */
function guarded(span: OpenSpan, sayFault: (error: unknown) => void): OpenSpan {
  return {
    context: span.context,
    end(how) {
      try {
        span.end(how);
      } catch (error) {
        sayFault(error);
      }
    },
  };
}

function spanContextOf({ traceId, spanId, state }: TraceContext): SpanContext {
  return {
    ...{ traceId, spanId },
    traceFlags: TraceFlags.SAMPLED,
    ...(state !== undefined && { traceState: createTraceState(state) }),
  };
}

const REASON_CHARS_MAX = 200;

/** Without what the collector answered: that may be a page of megabytes, or say what it was sent. */
function reasonOf(error: Error | undefined): string {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  const told = typeof code === 'string' || typeof code === 'number' ? ` (${code})` : '';
  return `${(error?.message ?? 'unknown').slice(0, REASON_CHARS_MAX)}${told}`;
}

/** Its code for what was taken. */
const EXPORTED = 0;

/** The library itself says nothing of what it could not send. */
function sayingWhenAway(exporter: SpanExporter, url: string, log: Logger): SpanExporter {
  const collector = publicAddress(url);
  let isAway = false;
  return {
    export(spans, done) {
      exporter.export(spans, (result) => {
        const failed = (result.code as number) !== EXPORTED;
        if (failed && !isAway) {
          log.warn(
            { collector, reason: reasonOf(result.error), spans: spans.length },
            'the collector takes no traces, they are dropped until it does',
          );
        } else if (isAway && !failed) {
          log.info({ collector }, 'the collector takes traces again');
        }
        isAway = failed;
        done(result);
      });
    },
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
  };
}
