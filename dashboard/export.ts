/**
 * What is seen, as a file: CSV or Parquet, both written by ClickHouse and passed on as they come. The
 * queries are those of the panels.
 */
import type { FastifyInstance } from 'fastify';
import { AddressError, type Parameters } from './address.ts';
import { type AnswerDeps, type Asked, refuseFilters } from './answers.ts';
import type { Query } from './conditions.ts';
import type { ExportFormat } from './database.ts';
import { signalOf } from './gone.ts';
import { partsOfDays } from './parts.ts';
import { hoursOf } from './period.ts';
import { countedOf, countsByDay, countsByHour, listOf, oneByDay, visitorsBy } from './queries.ts';
import { revenueBy } from './revenue.ts';
import { askedBy, parametersOf, parseListName, parseOne } from './routes.ts';
import { sessionsOf } from './session-queries.ts';

const FORMATS: Readonly<Record<string, { readonly format: ExportFormat; readonly type: string }>> =
  {
    csv: { format: 'CSVWithNames', type: 'text/csv; charset=utf-8' },
    parquet: { format: 'Parquet', type: 'application/vnd.apache.parquet' },
  };

/** More than a spreadsheet has lines; for more there is ClickHouse itself. */
export const EXPORT_ROWS_MAX = 1_000_000;

export function addExportRoute(app: FastifyInstance, deps: AnswerDeps): void {
  app.get<{ Params: { file: string } }>('/api/export/:file', async (request, reply) => {
    const { name, extension } = parseFile(request.params.file);
    const wanted = FORMATS[extension];
    if (wanted === undefined) throw new AddressError('an export ends in .csv or .parquet');
    const asked = await askedBy(deps, request);
    const query = exportOf(deps, asked, name, parametersOf(request));
    const signal = signalOf(request);
    await refuseTooMany(deps, query, signal);
    const stream = await deps.database.stream(query, wanted.format, signal);
    const { from, to } = asked.period.current;
    const file = `${asked.project}-${name.replaceAll('.', '-')}-${from}-${to}.${extension}`;
    return reply
      .type(wanted.type)
      .header('content-disposition', `attachment; filename="${file}"`)
      .send(stream);
  });
}

function parseFile(file: string): { readonly name: string; readonly extension: string } {
  const [, name = '', extension = ''] = /^([\w.-]+)\.([a-z]+)$/.exec(file) ?? [];
  return { name, extension };
}

/** @throws AddressError */
export function exportOf(
  deps: AnswerDeps,
  asked: Asked,
  name: string,
  parameters: Parameters,
): Query {
  const span = asked.current;
  const limit = EXPORT_ROWS_MAX + 1;
  switch (name) {
    case 'chart':
      return chartTable(deps, asked);
    case 'revenue':
      return renamed(
        revenueBy(asked, span, partsOfDays(span)),
        'toDate(bucket) AS day, currency, toDecimal128(revenue, 9) AS revenue',
        'day, currency',
      );
    case 'sessions':
      return renamed(sessionsOf(asked, span, limit, undefined), SESSION_COLUMNS, 'started_at DESC');
    case 'over-time': {
      const of = parseOne(parameters);
      refuseFilters(asked, of.list);
      return oneByDay(asked, span, of);
    }
    default: {
      const list = parseListName(name);
      if (list !== 'pages' && list !== 'events') return listOf(asked, list, span, limit);
      refuseFilters(asked, list);
      return countedOf(asked, list, span, limit);
    }
  }
}

/** A row a day, or an hour where the chart shows hours. Weeks and months can be made of days, but for visitors. */
function chartTable({ zones, now }: AnswerDeps, asked: Asked): Query {
  const { current } = asked;
  if (asked.period.unit === 'hour') {
    const hours = hoursOf(current, asked.settings.timeZone, zones, now());
    const counts = countsByHour(asked, current, {
      starts: hours.map(({ start }) => start),
      end: current.end,
    });
    return {
      sql: `SELECT toDateTime(toUInt32(bucket), 'UTC') AS hour,
          transform(toUInt32(bucket), {starts:Array(UInt32)}, {labels:Array(String)}, '') AS local_hour,
          ${MEASURES}, visitors FROM (${counts.sql}) ORDER BY hour`,
      params: {
        ...counts.params,
        starts: hours.map(({ start }) => start),
        labels: hours.map(({ label }) => label),
      },
    };
  }
  const counts = countsByDay(asked, current);
  const visitors = visitorsBy(asked, current, partsOfDays(current));
  return {
    sql: `SELECT toDate(c.bucket) AS day, ${MEASURES}, v.visitors AS visitors
      FROM (${counts.sql}) AS c LEFT JOIN (${visitors.sql}) AS v ON v.bucket = c.bucket ORDER BY day`,
    params: { ...counts.params, ...visitors.params },
  };
}

const MEASURES = `sessions, page_views, conversions, ended AS sessions_for_rates, bounced, engaged,
  toDecimal128(seconds, 3) AS duration_seconds`;

/** Times as times, in UTC. */
const SESSION_COLUMNS = `fromUnixTimestamp64Milli(started_ms, 'UTC') AS started_at,
  fromUnixTimestamp64Milli(last_event_ms, 'UTC') AS last_event_at,
  * EXCEPT (started_ms, last_event_ms, updated_ms, version)`;

function renamed({ sql, params }: Query, columns: string, order: string): Query {
  return { sql: `SELECT ${columns} FROM (${sql}) ORDER BY ${order}`, params };
}

/** A file that is cut without a word would be a wrong one. @throws AddressError */
async function refuseTooMany(
  { database }: AnswerDeps,
  { sql, params }: Query,
  signal: AbortSignal,
): Promise<void> {
  const [counted] = await database.rows<{ rows: string | number }>(
    { sql: `SELECT count() AS rows FROM (${sql})`, params },
    signal,
  );
  if (Number(counted?.rows ?? 0) > EXPORT_ROWS_MAX) {
    throw new AddressError(
      `an export has ${EXPORT_ROWS_MAX.toLocaleString('en')} rows at most; choose fewer days, or ask ClickHouse`,
    );
  }
}
