/**
 * From filters to conditions on sessions: what the view `visits` shows, read from its table. The view has
 * to find out the day of each row, whoever asks; the page knows when the days begin that it is asked for.
 * What people choose is bound as a parameter, never written into a query; names of columns come from our
 * own list.
 */
import type { Audience, Filter } from './address.ts';
import {
  declaredName,
  type DimensionName,
  SESSION_DIMENSIONS,
  type SessionDimensionName,
} from './dimensions.ts';
import type { Span } from './period.ts';

/** A query, and what its `{name:Type}` stand for. */
export interface Query {
  readonly sql: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** The sessions that are looked at: of whom, and which. */
export interface Scope {
  readonly project: string;
  readonly audience: Audience;
  readonly filters: readonly Filter[];
}

/** Whether something is looked at that the overview views do not tell apart. */
export function isFiltered({ filters }: Pick<Scope, 'filters'>): boolean {
  return filters.length > 0;
}

/** What all conditions here are on. */
export const SESSIONS = 'sojourn.sessions AS v FINAL';

/** True for the sessions of the audience, people and bots. */
export function ofAudience(audience: Audience): string {
  switch (audience) {
    case 'people':
      return 'NOT v.bot';
    case 'bots':
      return 'v.bot';
    case 'everyone':
      return 'true';
  }
}

/**
 * Distinct visitors. People are all visitors less those that were bots in a session, as in the
 * overview views (`visitors - bot_visitors`), so that people and bots add up to everyone.
 */
export function visitorsOf(audience: Audience): string {
  switch (audience) {
    case 'people':
      return 'uniqExact(v.visitor_key) - uniqExactIf(v.visitor_key, v.bot)';
    case 'bots':
      return 'uniqExactIf(v.visitor_key, v.bot)';
    case 'everyone':
      return 'uniqExact(v.visitor_key)';
  }
}

const KNOWN_MONEY = `CAST(v.revenue_by_currency, 'Array(Tuple(String, Decimal(38, 9)))')`;
const OTHER_MONEY = 'v.revenue - arraySum(mapValues(v.revenue_by_currency))';

/**
 * What a session brought, as pairs of currency and amount. Sessions of the first catalogue have their revenue in one sum:
 * what the map does not have is under no currency, as the view `revenue_sources_daily` reads it.
 */
export const PURSE = `if(${OTHER_MONEY} = 0, ${KNOWN_MONEY}, arrayPushBack(${KNOWN_MONEY}, ('', ${OTHER_MONEY})))`;

/** How a dimension is shown: the value, or the name of none. Its parameter is `name`, for declared ones. */
export function valueOf(dimension: DimensionName, name: string): Query {
  const declared = declaredName(dimension);
  if (declared !== undefined) {
    return {
      sql: `if(v.dimensions[{${name}:String}] = '', '(none)', v.dimensions[{${name}:String}])`,
      params: { [name]: declared },
    };
  }
  const { column, empty } = SESSION_DIMENSIONS[dimension as SessionDimensionName];
  return { sql: `if(v.${column} = '', '${empty}', toString(v.${column}))`, params: {} };
}

/** Sessions of the project that began on one of the days and fit all filters, whoever they are of. */
export function sessionsIn({ project, filters }: Scope, { starts, end }: Span): Query {
  const conditions = filters.map(({ dimension, values }, index): Query => {
    const { sql, params } = valueOf(dimension, `dimension${index}`);
    return {
      sql: `AND ${sql} IN {values${index}:Array(String)}`,
      params: { ...params, [`values${index}`]: values },
    };
  });
  return {
    sql: [
      'v.project = {project:String} AND NOT v.excluded',
      `AND v.started_at >= fromUnixTimestamp64Milli({start:Int64} * 1000, 'UTC')`,
      `AND v.started_at < fromUnixTimestamp64Milli({end:Int64} * 1000, 'UTC')`,
      ...conditions.map(({ sql }) => sql),
    ].join(' '),
    params: Object.assign(
      { project, start: starts[0] ?? end, end },
      ...conditions.map(({ params }) => params),
    ) as Query['params'],
  };
}

/**
 * Which part of the range a session began in, by the part's start in epoch seconds.
 * The parameter `starts` has those of all parts, ascending; the first is that of the range.
 */
export const PART = 'roundDown(toInt64(toUnixTimestamp(v.started_at)), {starts:Array(Int64)})';

/** What a part is called: the parameter `names` goes with `starts`. Of none, as in a sum over all parts, an empty text. */
export const nameOfPart = (part: string): string =>
  `transform(${part}, {starts:Array(Int64)}, {names:Array(String)}, '')`;
