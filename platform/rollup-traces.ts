/**
 * Traces through the rollup log: a record brings the spans that wrote it in a header, beside its bytes, so that whoever
 * loads it can go on with them. At most so many a record, and a range.
 */
import { headers, type MsgHdrs } from '@nats-io/transport-node';
import { LOAD_TRACES_MAX, WRITE_TRACES_MAX } from '../shared/limits.ts';
import { parseSessionWorkflowId, ROLLUPS_STREAM } from '../shared/ids.ts';
import {
  createBundle,
  formatTraceparent,
  parseSampled,
  type TakenTraces,
} from '../shared/traces.ts';
import { errorWord, spanNow, type Tracing } from './tracing.ts';

/** As many as a record has, separated by a space. */
const TRACES_HEADER = 'Sojourn-Traces';

/** The spans of a record on its way into the log. */
export interface RecordSpans {
  /** What its header says. */
  readonly header: string;
  /** @param isStored false where the log had one under this number before */
  done(isStored: boolean): void;
  failed(error: unknown): void;
}

/** Names the header, where there is one. */
export function setTraces(head: MsgHdrs, { header }: RecordSpans): void {
  head.set(TRACES_HEADER, header);
}

/**
 * For each trace a span of the session, from when it took up what the trace is of until it writes, and in it one of the
 * record. No id of the session is in them: the number of its run leads there whoever may ask Temporal.
 */
export function beginRecord(
  tracing: Tracing,
  { subject, data, workflowId }: { subject: string; data: string; workflowId: string },
  { of, left = 0 }: TakenTraces,
): RecordSpans {
  const at = spanNow();
  const [, , run = '', writeNo = ''] = subject.split('.');
  const project = parseSessionWorkflowId(workflowId)?.project ?? '';
  const own = {
    'sojourn.project': project,
    'sojourn.run': run,
    'sojourn.write': Number(writeNo),
    ...(left > 0 && { 'sojourn.traces_left': left }),
  };
  const spans = of.flatMap(({ parent, at: takenAt }) => {
    const context = parseSampled(parent);
    if (context === undefined) return [];
    const session = tracing.begin({
      ...{ name: 'session', kind: 'internal', parent: context, fields: own },
      at: Math.min(takenAt, at),
    });
    session.end({ at });
    return tracing.begin({
      ...{ name: `send ${ROLLUPS_STREAM}`, kind: 'producer', parent: session.context, at },
      fields: {
        ...own,
        'messaging.system': 'nats',
        'messaging.operation.type': 'send',
        'messaging.operation.name': 'send',
        'messaging.destination.name': ROLLUPS_STREAM,
        'messaging.message.body.size': data.length,
      },
    });
  });
  return {
    header: spans.map((span) => formatTraceparent(span.context)).join(' '),
    done(isStored) {
      for (const span of spans) span.end(isStored ? {} : { fields: { 'sojourn.known': true } });
    },
    failed(error) {
      for (const span of spans) span.end({ error: errorWord(error) });
    },
  };
}

/** Gathers the traces of the records of a range: each record's own, for a trace may be of many sessions. */
export function createRangeTraces() {
  const { add, bundle } = createBundle(LOAD_TRACES_MAX, (traceparent: string) => traceparent);
  return {
    add(head: MsgHdrs | undefined): void {
      const header = head?.get(TRACES_HEADER) ?? '';
      if (header === '') return;
      for (const text of header.split(' ', WRITE_TRACES_MAX)) {
        if (parseSampled(text) !== undefined) add(text);
      }
    },
    bundle,
  };
}

/** The header by which a subscriber goes on with a trace. */
export function traceparentHeader(traceparent: string): MsgHdrs {
  const head = headers();
  head.set('traceparent', traceparent);
  return head;
}
