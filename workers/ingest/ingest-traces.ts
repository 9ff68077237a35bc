/**
 * The spans of ingest, for messages whose producer records a trace: one from when a message was taken to its
 * acknowledgement, and in it one for each delivery of its events to a session. The session is told of the latter.
 * Messages without a sampled `traceparent` cost one look at their headers, and nothing else.
 */
import { Match } from '@nats-io/transport-node';
import { errorWord, type OpenSpan, spanNow, type Tracing } from '../../platform/tracing.ts';
import { EVENTS_CONSUMER, EVENTS_STREAM } from '../../shared/ids.ts';
import { LOAD_TRACES_MAX, WRITE_TRACES_MAX } from '../../shared/limits.ts';
import {
  createBundle,
  formatTraceparent,
  parseSampled,
  type TraceContext,
} from '../../shared/traces.ts';
import type { Outcome } from './deliver.ts';
import type { Delivery } from './gather.ts';
import type { Received } from './raw-message.ts';

/** A message on its way through ingest. */
export interface MessageSpan {
  readonly context: TraceContext;
  /** @param how what JetStream is told: it is done, or is to come again */
  settled(how: 'acknowledged' | 'given back'): void;
  /** A part of it is a dead letter. */
  deadLetter(): void;
}

type Deliver = (delivery: Delivery, ackFloor: number) => Promise<Outcome>;

export interface IngestTraces {
  /** @returns undefined where nobody records a trace of it */
  taken(received: Received, what: { project: string; events: number }): MessageSpan | undefined;
  /** Delivers with a span for each trace. */
  around(deliver: Deliver): Deliver;
}

/** W3C has it forwarded up to this length; what is longer is not kept. */
const TRACESTATE_CHARS_MAX = 512;

export function createIngestTraces(tracing: Tracing): IngestTraces {
  return {
    taken(received, { project, events }) {
      const parent = contextOf(received);
      if (parent === undefined) return undefined;
      const span = tracing.begin({
        ...{ name: `process ${EVENTS_STREAM}`, kind: 'consumer', parent },
        fields: {
          'messaging.system': 'nats',
          'messaging.operation.type': 'process',
          'messaging.operation.name': 'process',
          'messaging.destination.name': EVENTS_STREAM,
          'messaging.consumer.group.name': EVENTS_CONSUMER,
          'messaging.message.body.size': received.data.length,
          'sojourn.project': project,
          'sojourn.sequence': received.seq,
          'sojourn.events': events,
        },
      });
      return messageSpan(span);
    },

    around: (deliver) => async (delivery, ackFloor) => {
      const spans = deliverySpans(tracing, delivery);
      if (spans === undefined) return deliver(delivery, ackFloor);
      const traces = {
        of: spans.of.map(({ context }) => formatTraceparent(context)),
        ...(spans.left !== undefined && { left: spans.left }),
      };
      try {
        const outcome = await deliver({ ...delivery, traces }, ackFloor);
        for (const span of spans.of) span.end({ fields: { 'sojourn.outcome': outcome } });
        return outcome;
      } catch (error) {
        for (const span of spans.of) span.end({ error: errorWord(error) });
        throw error;
      }
    },
  };
}

function messageSpan(span: OpenSpan): MessageSpan {
  let hasDeadLetter = false;
  return {
    context: span.context,
    settled(how) {
      span.end({
        fields: { 'sojourn.settled': how },
        ...(hasDeadLetter && { error: 'dead_letter' }),
      });
    },
    deadLetter() {
      hasDeadLetter = true;
    },
  };
}

/** A span for each trace whose events are in it, in that of the first message; the others of it are linked. */
function deliverySpans(tracing: Tracing, { project, events, messages }: Delivery) {
  const seen = new Set<MessageSpan>();
  for (const { trace } of messages) if (trace !== undefined) seen.add(trace);
  if (seen.size === 0) return undefined;
  const all = [...seen].map(({ context }) => context);
  const { add, bundle } = createBundle<TraceContext>(WRITE_TRACES_MAX, ({ traceId }) => traceId);
  for (const context of all) add(context);
  const { of: parents = [], left } = bundle() ?? {};
  const at = spanNow();
  return {
    left,
    of: parents.map((parent) =>
      tracing.begin({
        ...{ name: 'deliver', kind: 'client', parent, at },
        links: all
          .filter((other) => other !== parent && other.traceId === parent.traceId)
          .slice(0, LOAD_TRACES_MAX),
        fields: { 'sojourn.project': project, 'sojourn.events': events.length },
      }),
    ),
  };
}

/** Headers that cannot be read are a matter for the border, not for traces. */
function contextOf({ headers }: Received): TraceContext | undefined {
  try {
    const given = headers();
    const text = given?.get('traceparent', Match.IgnoreCase) ?? '';
    const context = text === '' ? undefined : parseSampled(text);
    if (context === undefined) return undefined;
    const state = given?.get('tracestate', Match.IgnoreCase) ?? '';
    return state === '' || state.length > TRACESTATE_CHARS_MAX ? context : { ...context, state };
  } catch {
    return undefined;
  }
}
