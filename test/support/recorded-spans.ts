/** Spans in memory, in the place of a collector. */
import type { SpanEnd, SpanStart, Tracing } from '../../platform/tracing.ts';
import type { TraceContext } from '../../shared/traces.ts';

export interface RecordedSpan extends SpanStart {
  readonly context: TraceContext;
  /** Undefined while it is open. */
  ended: SpanEnd | undefined;
}

export function recordSpans(): { readonly tracing: Tracing; readonly spans: RecordedSpan[] } {
  const spans: RecordedSpan[] = [];
  const hex = (n: number, digits: number) => n.toString(16).padStart(digits, '0');
  return {
    spans,
    tracing: {
      begin(start) {
        const n = spans.length + 1;
        const { traceId = hex(n, 32), state } = start.parent ?? {};
        const context = { traceId, spanId: hex(n, 16), ...(state !== undefined && { state }) };
        const span: RecordedSpan = { ...start, context, ended: undefined };
        spans.push(span);
        return {
          context,
          end(end = {}) {
            if (span.ended !== undefined) throw new Error(`${start.name} ended twice`);
            span.ended = end;
          },
        };
      },
      stop: () => Promise.resolve(),
    },
  };
}
