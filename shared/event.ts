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
  'visitorId',
  'channel',
  'medium',
  'campaign',
  'term',
  'content',
  'referrerHost',
  'language',
  'screen',
  'appVersion',
  'bot',
] as const;
export type Attribute = (typeof ATTRIBUTES)[number];

/** A dimension that a project has declared, as a field of an event: what comes behind the prefix is its name. */
export type Declared = `dim:${string}`;
const DECLARED = 'dim:';

export function isDeclared(name: string): name is Declared {
  return name.startsWith(DECLARED);
}

export function declaredAs(name: string): Declared {
  return `${DECLARED}${name}`;
}

/** The name of a declared dimension. */
export function nameOfDeclared(field: Declared): string {
  return field.slice(DECLARED.length);
}

/** Values by attribute; one that nobody gave is absent. */
export type Attributes = Readonly<Partial<Record<Attribute | Declared, string>>>;

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
  /** An anonymous visitor, a device. */
  readonly visitorId?: string;
  /** Empty where it is direct: a source that comes later is then still the session's. */
  readonly channel?: string;
  readonly medium?: string;
  readonly campaign?: string;
  readonly term?: string;
  readonly content?: string;
  /** Who sent the visitor, where that is another site. */
  readonly referrerHost?: string;
  readonly language?: string;
  readonly screen?: string;
  readonly appVersion?: string;
  /** Present, and `true`, where it comes from a program and not from a person. */
  readonly bot?: string;
  /** What the project has declared as dimensions. */
  readonly [dimension: Declared]: string | undefined;
  /** Decimal text, as `formatDecimal` writes it. */
  readonly revenue?: string;
  readonly currency?: string;
  readonly conversionType?: string;
  /**
   * Present, and `true`, where its local day is another one than that of the start of its hour of UTC, in the zone that
   * its project had when it was taken in (docs/decisions/040).
   */
  readonly dayTurned?: string;
}

export type EventKind =
  'pageview' | 'session_start' | 'session_end' | 'purchase' | 'conversion' | 'heartbeat' | 'custom';

/** One name for what is spelled in several ways. */
const SPELLINGS: ReadonlyMap<string, string> = new Map([
  ['pageView', 'pageview'],
  ['page_view', 'pageview'],
  ['ping', 'heartbeat'],
  ['page_ping', 'heartbeat'],
]);
const KINDS = new Set<string>([
  'pageview',
  'session_start',
  'session_end',
  'purchase',
  'conversion',
  'heartbeat',
]);

/** One name for all spellings of a page view, and of a heartbeat; any other type as it is. */
export function normaliseType(eventType: string): string {
  return SPELLINGS.get(eventType) ?? eventType;
}

/** What an event means to a session. */
export function kindOf(event: VisitorEvent): EventKind {
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
