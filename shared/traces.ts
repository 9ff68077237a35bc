/**
 * The trace context of a producer (W3C Trace Context) on its way with events: read strictly, and never more than a
 * bound of them together, whatever comes. It decides nothing: where it is lost, a trace ends early.
 */
import { WRITE_TRACES_MAX } from './limits.ts';

/** A span that others may be children of. */
export interface TraceContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 of them. */
  readonly spanId: string;
  /** The header `tracestate` that came with it. */
  readonly state?: string;
}

/** A header `traceparent`, read. */
export interface Traceparent extends TraceContext {
  /** Whether its sender records the trace. */
  readonly isSampled: boolean;
}

/** Version, trace id, parent id, flags; a later version may have more behind a dash. Lower case only, says W3C. */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const INVALID_VERSION = 'ff';
const NO_TRACE = '0'.repeat(32);
const NO_SPAN = '0'.repeat(16);
const SAMPLED = 0x01;
/** More than any later version will need. */
const TRACEPARENT_CHARS_MAX = 256;

/** Reads a header `traceparent`. @returns undefined for what W3C says is none */
export function parseTraceparent(text: string): Traceparent | undefined {
  if (text.length > TRACEPARENT_CHARS_MAX) return undefined;
  const [, version, traceId = '', spanId = '', flags = '', rest] = TRACEPARENT.exec(text) ?? [];
  if (version === undefined || version === INVALID_VERSION) return undefined;
  if (version === '00' && rest !== undefined) return undefined;
  if (traceId === NO_TRACE || spanId === NO_SPAN) return undefined;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & SAMPLED) !== 0 };
}

/** Reads a context that is to be carried on: a sampled one. */
export function parseSampled(text: string): TraceContext | undefined {
  const parsed = parseTraceparent(text);
  return parsed?.isSampled === true
    ? { traceId: parsed.traceId, spanId: parsed.spanId }
    : undefined;
}

/** A sampled context as a header `traceparent`. */
export function formatTraceparent({ traceId, spanId }: TraceContext): string {
  return `00-${traceId}-${spanId}-01`;
}

/** Things of traces, no two with the same key, at most so many. */
export interface Bundle<T> {
  readonly of: readonly T[];
  /** How many more there were: they are only counted. */
  readonly left?: number;
}

/** Gathers things of traces into a {@link Bundle}. */
export interface BundleOf<T> {
  readonly add: (one: T) => void;
  /** More that were left out elsewhere. */
  readonly addLeft: (count: number) => void;
  /** @returns undefined where there is nothing */
  readonly bundle: () => Bundle<T> | undefined;
}

/** Of those with one key the first stays, and of many those that came first: they have waited longest. @param keyOf the trace, mostly */
export function createBundle<T>(most: number, keyOf: (one: T) => string): BundleOf<T> {
  const byKey = new Map<string, T>();
  let left = 0;
  return {
    add(one) {
      const key = keyOf(one);
      if (byKey.has(key)) return;
      if (byKey.size < most) byKey.set(key, one);
      else left += 1;
    },
    addLeft(count) {
      left += count;
    },
    bundle: () =>
      byKey.size === 0 ? undefined : { of: [...byKey.values()], ...(left > 0 && { left }) },
  };
}

/** As ingest sends them along with a batch: texts like `traceparent`. */
export type SentTraces = Bundle<string>;

/** A trace that a session has taken up. */
export interface TakenTrace {
  /** As a `traceparent`: the span that brought it. */
  readonly parent: string;
  /** When, by the session's own clock, epoch milliseconds. */
  readonly at: number;
}

/** As a session hands them over with a record. */
export type TakenTraces = Bundle<TakenTrace>;

const NOTHING = {};

/** What a session has taken up since its last write: bounded, whatever it is sent, and nothing where there are none. */
export function createPendingTraces(): {
  /** @param sent anything: anybody may signal a session */
  take(sent: unknown, at: number): void;
  /** To be spread into what is handed over; from then on there are none. */
  give(): { readonly traces?: TakenTraces };
  /** What brought them changed nothing: no write will be theirs. */
  drop(): void;
} {
  let pending: BundleOf<TakenTrace> | undefined;
  return {
    take(sent, at) {
      if (!isSent(sent)) return;
      pending ??= createBundle(WRITE_TRACES_MAX, ({ parent }: TakenTrace) => traceIdOf(parent));
      for (const parent of sent.of) if (isCarried(parent)) pending.add({ parent, at });
      if (isCount(sent.left)) pending.addLeft(sent.left);
    },
    give() {
      const traces = pending?.bundle();
      pending = undefined;
      return traces === undefined ? NOTHING : { traces };
    },
    drop() {
      pending = undefined;
    },
  };
}

/** The trace id in a `traceparent` that was read before. */
export function traceIdOf(traceparent: string): string {
  return traceparent.slice(3, 35);
}

/** What a worker sends is what {@link formatTraceparent} makes: of another length a text is no such thing. */
function isCarried(text: unknown): text is string {
  return typeof text === 'string' && text.length === 55 && parseSampled(text) !== undefined;
}

function isSent(
  value: unknown,
): value is { readonly of: readonly unknown[]; readonly left?: unknown } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'of' in value &&
    Array.isArray(value.of) &&
    value.of.length <= WRITE_TRACES_MAX
  );
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}
