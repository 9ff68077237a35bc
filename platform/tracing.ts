/**
 * Traces: spans of the way of an event, as the pipeline makes them. Off unless a collector is named; then nothing of
 * this is there, and the library that sends them (`otlp.ts`) is not even loaded. Beginning and ending a span never
 * throws, waits for nobody and keeps nothing of a person.
 */
import type { TraceContext } from '../shared/traces.ts';
import type { Config } from './config.ts';
import type { Logger } from './log.ts';
import { traceSettings } from './trace-settings.ts';

/** Attributes, by the names of OpenTelemetry's conventions where those have one. */
export type SpanFields = Readonly<Record<string, string | number | boolean>>;

export interface SpanStart {
  readonly name: string;
  readonly kind: 'internal' | 'client' | 'producer' | 'consumer';
  /** Without one it begins a trace. */
  readonly parent?: TraceContext;
  readonly links?: readonly TraceContext[];
  /** Epoch milliseconds; now, if it is not given. */
  readonly at?: number;
  readonly fields: SpanFields;
}

export interface SpanEnd {
  readonly fields?: SpanFields;
  /** What went wrong, as one word: an error's message may have an id in it. */
  readonly error?: string;
  /** Epoch milliseconds; now, if it is not given. */
  readonly at?: number;
}

export interface OpenSpan {
  readonly context: TraceContext;
  end(end?: SpanEnd): void;
}

export interface Tracing {
  begin(start: SpanStart): OpenSpan;
  /** Sends what there is, within two seconds; what comes later goes nowhere. */
  stop(): Promise<void>;
}

/** The clock of spans: the wall's, since those of one trace are of several machines, and one of them may have slept. */
export function spanNow(): number {
  return Date.now();
}

/** An error as one word. */
export function errorWord(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' ? code : error.name;
}

/** @returns undefined where nobody wants spans, or where they cannot be sent as things are set, which is said */
export async function openTracing(config: Config, log: Logger): Promise<Tracing | undefined> {
  const settings = traceSettings(config);
  if (settings === undefined) return undefined;
  const own = log.child({ module: 'traces' });
  if ('fault' in settings) {
    own.warn(`traces stay off: ${settings.fault}`);
    return undefined;
  }
  const { createOtlpTracing } = await import('./otlp.ts');
  return createOtlpTracing(settings, own);
}
