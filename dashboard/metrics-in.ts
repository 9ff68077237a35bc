/** What `metrics` hold of the events of a range, exact to the quarter of an hour. Read without a view (docs/decisions/041). */
import type { Audience } from './address.ts';
import { areWholeHours } from './parts.ts';
import type { Span } from './period.ts';

export const IN_HOURS = `m.granularity = 'hour' AND m.bucket >= toDateTime({start:Int64}, 'UTC')
    AND m.bucket < toDateTime({end:Int64}, 'UTC')`;

/** The parameters `start` and `end`. */
export const boundsOf = ({ starts, end }: Span) => ({ start: starts[0] ?? end, end });

/** Which part of the range a bucket begins in; see {@link PART} of sessions. */
export const BUCKET_PART = 'roundDown(toInt64(toUnixTimestamp(m.bucket)), {starts:Array(Int64)})';

/** Of a metric, what is under some dimensions. */
interface Wanted {
  readonly metric: string;
  readonly dimensions: readonly string[];
}

/**
 * Rows of some metrics in the range, as `m`. Where one of the instants that part it lies within an hour of UTC, what of
 * that hour is of the later part is kept by quarter of an hour besides: it is moved there (docs/decisions/034, 040).
 * @param instants epoch seconds: where parts begin, and the end
 * @param which more of a condition, on `m`
 */
export function metricsIn(
  wanted: readonly Wanted[],
  instants: readonly number[],
  which = '',
): string {
  const pairs = (suffix: string) =>
    wanted
      .flatMap(({ metric, dimensions }) =>
        dimensions.map((of) => `('${metric}${suffix}', '${of}')`),
      )
      .join(', ');
  const hours = `sojourn.metrics AS m
    WHERE m.project = {project:String} AND ${IN_HOURS} AND (m.metric_type, m.dimension) IN (${pairs('')}) ${which}`;
  const place = 'm.dimension AS dimension, m.dimension_value AS dimension_value';
  const byHour = `SELECT m.bucket AS bucket, toString(m.metric_type) AS metric_type, ${place}, m.value AS value, m.count AS count
      FROM ${hours}`;
  if (areWholeHours(instants)) return `(${byHour}) AS m`;
  return `(
      ${byHour}
      UNION ALL
      SELECT moved.1 AS bucket, replaceOne(toString(m.metric_type), '_by_quarter', '') AS metric_type, ${place},
        moved.2 * m.value AS value, moved.2 * m.count AS count
      FROM sojourn.metrics AS m
      ARRAY JOIN [(m.bucket, toInt64(1)), (toStartOfHour(m.bucket), toInt64(-1))] AS moved
      WHERE m.project = {project:String} AND m.granularity = 'quarter_hour'
        AND (m.metric_type, m.dimension) IN (${pairs('_by_quarter')}) ${which}
        AND m.bucket >= toDateTime({start:Int64}, 'UTC')
        AND m.bucket < toDateTime({end:Int64} + 3600, 'UTC') AND m.bucket != toStartOfHour(m.bucket)
        AND moved.1 >= toDateTime({start:Int64}, 'UTC') AND moved.1 < toDateTime({end:Int64}, 'UTC')
    ) AS m`;
}

/** What is under a dimension, of an audience: of bots it is filed once more under another one (docs/decisions/033). */
export function ofRows(
  of: (dimension: string) => string,
  all: string,
  bots: string,
  audience: Audience,
): string {
  switch (audience) {
    case 'people':
      return `${of(all)} - ${of(bots)}`;
    case 'bots':
      return of(bots);
    case 'everyone':
      return of(all);
  }
}
