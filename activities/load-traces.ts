/**
 * The spans of a load. It is of many traces at once, so it is a trace of its own with a link to each of theirs; and each
 * of them ends with a span of its own, which links to the load that its record went with. A load of which nobody has
 * asked for a trace makes no span.
 */
import { METRICS_STREAM, ROLLUPS_STREAM } from '../shared/ids.ts';
import { type LogRange, rangeToken } from '../shared/ranges.ts';
import type { RangeSums } from '../shared/rollup.ts';
import { formatTraceparent, parseSampled, type TraceContext } from '../shared/traces.ts';
import { errorWord, spanNow, type Tracing } from '../platform/tracing.ts';
import type { Announcer } from './announce-batch.ts';
import type { TableWriter } from './load-batch.ts';

/** A load under way. Only what has come to its end makes spans: one that fails is begun anew, under its number. */
export interface LoadSpans {
  /** The tables, with a watch at each insert. */
  readonly tables: TableWriter;
  loaded(range: LogRange, sums: RangeSums, attempt: number): void;
}

/** Announcements of a range under way. */
export interface AnnounceSpan {
  readonly announcer: Announcer;
  /** @param error why it was left out */
  end(error?: unknown): void;
}

export interface LoadTraces {
  loading(tables: TableWriter): LoadSpans;
  /** @returns undefined where the range was loaded without a trace, or elsewhere */
  announcing(range: LogRange, announcer: Announcer): AnnounceSpan | undefined;
}

interface Insert {
  readonly table: string;
  readonly rows: number;
  readonly from: number;
  readonly to: number;
}

export function createLoadTraces(tracing: Tracing): LoadTraces {
  /** The last traced load of each partition, until it is announced. */
  const loads = new Map<number, { readonly token: string; readonly context: TraceContext }>();
  return {
    loading(tables) {
      const from = spanNow();
      const inserts: Insert[] = [];
      return {
        tables: timed(tables, inserts),
        loaded(range, sums, attempt) {
          loads.delete(range.partition);
          const context = spansOf(tracing, { range, sums, attempt, inserts, from });
          if (context !== undefined) {
            loads.set(range.partition, { token: rangeToken(range), context });
          }
        },
      };
    },
    announcing(range, announcer) {
      const load = loads.get(range.partition);
      if (load?.token !== rangeToken(range)) return undefined;
      return announceSpan(tracing, load.context, announcer);
    },
  };
}

function timed(tables: TableWriter, inserts: Insert[]): TableWriter {
  return {
    async insert(table, rows, token) {
      const from = spanNow();
      await tables.insert(table, rows, token);
      inserts.push({ table, rows: rows.length, from, to: spanNow() });
    },
  };
}

interface Loaded {
  readonly range: LogRange;
  readonly sums: RangeSums;
  readonly attempt: number;
  readonly inserts: readonly Insert[];
  readonly from: number;
}

const PROCESS_ROLLUPS = {
  'messaging.system': 'nats',
  'messaging.operation.type': 'process',
  'messaging.operation.name': 'process',
  'messaging.destination.name': ROLLUPS_STREAM,
} as const;

/** @returns the load's own; undefined where it is of no trace */
function spansOf(
  tracing: Tracing,
  { range, sums: { traces, records }, attempt, inserts, from }: Loaded,
): TraceContext | undefined {
  const links = (traces?.of ?? []).flatMap((text) => parseSampled(text) ?? []);
  if (links.length === 0) return undefined;
  const place = {
    'sojourn.partition': range.partition,
    'sojourn.range_from': range.from,
    'sojourn.range_to': range.to,
  };
  const left = traces?.left ?? 0;
  const load = tracing.begin({
    ...{ name: 'load', kind: 'consumer', links, at: from },
    fields: {
      ...PROCESS_ROLLUPS,
      ...place,
      'messaging.batch.message_count': records,
      'sojourn.attempt': attempt,
      ...(left > 0 && { 'sojourn.traces_left': left }),
    },
  });
  for (const { table, rows, from: at, to } of inserts) {
    tracing
      .begin({
        ...{ name: `INSERT ${table}`, kind: 'client', parent: load.context, at },
        fields: {
          'db.system.name': 'clickhouse',
          'db.namespace': 'sojourn',
          'db.collection.name': table,
          'db.operation.name': 'INSERT',
          'db.operation.batch.size': rows,
        },
      })
      .end({ at: to });
  }
  const at = spanNow();
  load.end({ at });
  for (const parent of links) {
    tracing
      .begin({
        ...{ name: `process ${ROLLUPS_STREAM}`, kind: 'consumer', parent, at: from },
        ...{ links: [load.context], fields: { ...PROCESS_ROLLUPS, ...place } },
      })
      .end({ at });
  }
  return load.context;
}

function announceSpan(tracing: Tracing, parent: TraceContext, announcer: Announcer): AnnounceSpan {
  const span = tracing.begin({
    ...{ name: `send ${METRICS_STREAM}`, kind: 'producer', parent },
    fields: {
      'messaging.system': 'nats',
      'messaging.operation.type': 'send',
      'messaging.operation.name': 'send',
      'messaging.destination.name': METRICS_STREAM,
    },
  });
  const traceparent = formatTraceparent(span.context);
  let messages = 0;
  let isOver = false;
  return {
    announcer: {
      async announce(subject, data, options) {
        await announcer.announce(subject, data, { ...options, traceparent });
        messages += 1;
      },
    },
    end(error) {
      if (isOver) return;
      isOver = true;
      span.end({
        fields: { 'messaging.batch.message_count': messages },
        ...(error !== undefined && { error: errorWord(error) }),
      });
    },
  };
}
