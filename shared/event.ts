/**
 * The event as the rest of the system sees it: checked, normalised, and small, since it travels
 * inside signals and stays in workflow histories. `workers/ingest/parse-event.ts` makes it from bytes.
 */

/** Attributes a session takes from its events: the value with the least event time wins. */
export const ATTRIBUTES = [
  'trafficSource',
  'deviceType',
  'country',
  'browser',
  'os',
  'userId',
] as const;
export type Attribute = (typeof ATTRIBUTES)[number];
/** Values by attribute; one that nobody gave is absent. */
export type Attributes = Readonly<Partial<Record<Attribute, string>>>;

export interface VisitorEvent {
  /** Unique within its session; the same id again is the same event. */
  readonly id: string;
  /** What the session remembers in place of an id longer than 40 characters (a hash of it). */
  readonly key?: string;
  /** Normalised: all spellings of a page view are `pageview`. */
  readonly type: string;
  /** Event time, epoch milliseconds UTC, by the producer's clock. */
  readonly at: number;
  /** Stream sequence of the message that brought it. */
  readonly seq: number;
  readonly userId?: string;
  readonly path?: string;
  readonly trafficSource?: string;
  readonly deviceType?: string;
  readonly country?: string;
  readonly browser?: string;
  readonly os?: string;
  /** Decimal text, as `formatDecimal` writes it. */
  readonly revenue?: string;
  readonly currency?: string;
  readonly conversionType?: string;
}

export type EventKind =
  'pageview' | 'session_start' | 'session_end' | 'purchase' | 'conversion' | 'custom';

const PAGE_VIEW_SPELLINGS = new Set(['pageview', 'pageView', 'page_view']);
const KINDS = new Set<string>(['session_start', 'session_end', 'purchase', 'conversion']);

/** One name for the three spellings of a page view; any other type as it is. */
export function normaliseType(eventType: string): string {
  return PAGE_VIEW_SPELLINGS.has(eventType) ? 'pageview' : eventType;
}

/** What an event means to a session. */
export function kindOf(event: VisitorEvent): EventKind {
  if (event.type === 'pageview') return 'pageview';
  return KINDS.has(event.type) ? (event.type as EventKind) : 'custom';
}

/** A purchase or conversion: makes a session converted, and may carry revenue. */
export function isConversion(event: VisitorEvent): boolean {
  return event.type === 'purchase' || event.type === 'conversion';
}

/** Whether `a` comes before `b`: by event time, then by id, so that any order of arrival agrees. */
export function isEarlier(
  a: { readonly at: number; readonly id: string },
  b: { readonly at: number; readonly id: string },
): boolean {
  return a.at < b.at || (a.at === b.at && a.id < b.id);
}
