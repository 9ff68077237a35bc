/**
 * Which sessions an operator means, and how Temporal is asked for them. Stores of visibility differ in how they quote,
 * and in whether case counts: a text that a producer may have chosen goes into a query only where all of them read it
 * alike, and whatever they answer is compared here once more.
 */
import { FUTURE_MS_MAX } from '../shared/limits.ts';
import { SESSION_WORKFLOW } from '../shared/ids.ts';
import { type KeywordAttribute, keywordOf } from '../shared/search-attributes.ts';

export interface SessionFilter {
  readonly project?: string | undefined;
  readonly state: 'open' | 'closed' | 'all';
  readonly user?: string | undefined;
  readonly country?: string | undefined;
  readonly source?: string | undefined;
  readonly device?: string | undefined;
  readonly engaged?: boolean | undefined;
  /** Only sessions with an event since then, epoch milliseconds. */
  readonly since?: number | undefined;
  /** A condition in Temporal's own words that is to hold as well. */
  readonly query?: string | undefined;
}

/** The place of a run in Temporal's list: the open ones first, each kind by its latest time. */
export interface RunPlace {
  /** Nanoseconds since the epoch. */
  readonly started: bigint;
  /** Undefined while it is open. */
  readonly closed?: bigint | undefined;
  readonly runId: string;
}

/** A run that went on as another is no session of its own. */
const STATES = {
  open: `ExecutionStatus = 'Running'`,
  closed: `ExecutionStatus != 'Running' AND ExecutionStatus != 'ContinuedAsNew'`,
  all: `ExecutionStatus != 'ContinuedAsNew'`,
} as const;

const KEYWORDS = {
  user: 'SojournUser',
  country: 'SojournCountry',
  source: 'SojournTrafficSource',
  device: 'SojournDevice',
} as const satisfies Partial<Record<keyof SessionFilter, KeywordAttribute>>;

type KeywordFilter = keyof typeof KEYWORDS;
const KEYWORD_FILTERS = Object.keys(KEYWORDS) as KeywordFilter[];

/** Letters, figures and what no store takes as anything but itself. */
const PLAIN = /^[A-Za-z0-9._@:+/=-]+$/;

/** Temporal's query for the sessions of a filter, from a place in the list on (that place included). */
export function visibilityQuery(filter: SessionFilter, after?: RunPlace): string {
  const { project, state, engaged, since, query } = filter;
  const conditions = [`WorkflowType = '${SESSION_WORKFLOW}'`];
  if (project !== undefined) conditions.push(`SojournProject = '${project}'`);
  conditions.push(STATES[state]);
  for (const name of KEYWORD_FILTERS) {
    const value = filter[name];
    if (value !== undefined && PLAIN.test(value)) {
      conditions.push(`${KEYWORDS[name]} = '${keywordOf(value)}'`);
    }
  }
  if (engaged !== undefined) conditions.push(`SojournEngaged = ${engaged}`);
  // An event may be dated after the moment it came.
  if (since !== undefined) {
    conditions.push(
      `(ExecutionStatus = 'Running' OR CloseTime >= '${iso(since - FUTURE_MS_MAX)}')`,
    );
  }
  if (after !== undefined) conditions.push(fromPlace(after));
  if (query !== undefined) conditions.push(`(${query})`);
  return conditions.join(' AND ');
}

/** A millisecond more than it has to be: stores keep times more or less finely. */
function fromPlace({ started, closed }: RunPlace): string {
  const upTo = (time: bigint) => `'${iso(Number(time / NANOS_PER_MS) + 1)}'`;
  return closed === undefined
    ? `(ExecutionStatus != 'Running' OR StartTime <= ${upTo(started)})`
    : `ExecutionStatus != 'Running' AND CloseTime <= ${upTo(closed)}`;
}

const NANOS_PER_MS = 1_000_000n;

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** What of a session a filter looks at. */
export interface Filtered {
  readonly user: string | null;
  readonly country: string | null;
  readonly source: string | null;
  readonly device: string | null;
  readonly engaged: boolean | null;
  /** RFC 3339; null where nobody knows it yet. */
  readonly lastEvent: string | null;
  /** RFC 3339; null while it is open. */
  readonly closed: string | null;
}

/** Whether a session is one of those meant, exactly; `project`, `state` and `query` are left to others. */
export function fits(session: Filtered, filter: SessionFilter): boolean {
  for (const name of KEYWORD_FILTERS) {
    const value = filter[name];
    if (value !== undefined && session[name] !== (keywordOf(value) ?? null)) return false;
  }
  if (filter.engaged !== undefined && session.engaged !== filter.engaged) return false;
  if (filter.since === undefined) return true;
  // Not in ClickHouse yet: it has just begun, or nobody could ask.
  const last = session.lastEvent ?? session.closed;
  return last === null || Date.parse(last) >= filter.since;
}

/** Whether an older run of a session may pass where its newest does not, so that each has to be looked at. */
export function mayFindOlderRuns(filter: SessionFilter, after: RunPlace | undefined): boolean {
  if (filter.state === 'open') return false;
  return filter.state === 'closed' || after !== undefined || chooses(filter);
}

/** Whether filters are set that choose among a project's sessions. */
export function chooses({ engaged, since, query, ...filter }: SessionFilter): boolean {
  return (
    engaged !== undefined ||
    since !== undefined ||
    query !== undefined ||
    KEYWORD_FILTERS.some((name) => filter[name] !== undefined)
  );
}

/** Whether `a` stands after `b` in Temporal's list. */
export function isAfter(a: RunPlace, b: RunPlace): boolean {
  if (a.closed !== b.closed) {
    return b.closed === undefined || (a.closed !== undefined && a.closed < b.closed);
  }
  if (a.started !== b.started) return a.started < b.started;
  return a.runId > b.runId;
}

/** A place as a word that people may copy. */
export function cursorOf({ started, closed, runId }: RunPlace): string {
  return `${started}.${closed ?? 'open'}.${runId}`;
}

/** The inverse of {@link cursorOf}; undefined for any other text. */
export function parseCursor(text: string): RunPlace | undefined {
  const [, started, closed, runId] =
    /^(\d{1,19})\.(\d{1,19}|open)\.([\w-]{1,64})$/.exec(text) ?? [];
  if (started === undefined || closed === undefined || runId === undefined) return undefined;
  return {
    started: BigInt(started),
    ...(closed !== 'open' && { closed: BigInt(closed) }),
    runId,
  };
}
