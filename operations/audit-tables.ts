/** Compares `sessions` with `metrics` by the views `sojourn.audit_filed` and `sojourn.drift` (004-drift, 015-full-dimensions). */
import { setTimeout as sleep } from 'node:timers/promises';
import { type ClickHouseClient, ClickHouseError } from '@clickhouse/client';
import { connectClickHouse, select } from '../platform/clickhouse.ts';
import type { Config } from '../platform/config.ts';
import { untilCaughtUp } from '../platform/replica-lag.ts';
import { SojournError, toError } from '../shared/errors.ts';
import { beganAt } from '../shared/ranges.ts';
import { type DriftRow, type Finding, findDrift, type Look } from './settled-drift.ts';

/** Several times what a load takes; the loader makes about one a second. */
const PAUSE_MS = 2_000;
/** More rows that differ are counted, not shown. */
const ROWS_MAX = 10_000;

/** The rollup log was put back to an older copy: what was written since the copy and not loaded then is in no table. */
export interface PutBack {
  readonly partition: number;
  /** When the first record was written after it. RFC 3339, UTC */
  readonly writtenAnewSince: string;
}

export interface Audit extends Finding {
  readonly putBack: readonly PutBack[];
}

/**
 * Compares until the tables stand still or were looked at often enough.
 * @param onLook told the number of each look, from 1
 * @throws SojournError `SJ_NOT_FOUND` where the views are missing
 */
export async function auditTables(
  config: Config & { readonly CLICKHOUSE_URL: string },
  project: string | undefined,
  onLook: (number: number) => void,
): Promise<Audit> {
  const client = connectClickHouse(config, 'bi');
  try {
    const finding = await findDrift({
      look: () => lookAt(client, project),
      pause: () => sleep(PAUSE_MS),
      onLook,
    });
    return { ...finding, putBack: await whenPutBack(client) };
  } finally {
    await client.close();
  }
}

async function lookAt(client: ClickHouseClient, project: string | undefined): Promise<Look> {
  const where = project === undefined ? '' : 'WHERE project = {project:String}';
  await untilCaughtUp(client);
  const loadedBefore = await loadedRanges(client);
  const [figures] = await query<{ compared: string; differing: string }>(
    client,
    `SELECT toString(count()) AS compared,
       toString(countIf(in_sessions != in_metrics OR count_in_sessions != count_in_metrics)) AS differing
     FROM sojourn.audit_filed ${where}`,
    project,
  );
  const { compared = '0', differing = '0' } = figures ?? {};
  const rows = differing === '0' ? [] : await driftRows(client, where, project);
  return {
    compared: Number(compared),
    // What is counted and what is shown are two queries, and the loader may come between.
    differing: rows.length < ROWS_MAX ? rows.length : Math.max(Number(differing), rows.length),
    rows,
    loadedBefore,
    loadedAfter: await loadedRanges(client),
  };
}

function driftRows(
  client: ClickHouseClient,
  where: string,
  project: string | undefined,
): Promise<DriftRow[]> {
  return query<DriftRow>(
    client,
    `SELECT project, metric_type AS metricType, granularity,
       formatDateTime(bucket, '%Y-%m-%dT%H:%i:%SZ', 'UTC') AS bucket, dimension,
       dimension_value AS dimensionValue, toString(in_sessions) AS inSessions,
       toString(in_metrics) AS inMetrics, toString(count_in_sessions) AS countInSessions,
       toString(count_in_metrics) AS countInMetrics
     FROM sojourn.drift ${where}
     ORDER BY project, metric_type, granularity, drift.bucket, dimension, dimension_value
     LIMIT ${ROWS_MAX}`,
    project,
  );
}

async function loadedRanges(client: ClickHouseClient): Promise<string> {
  const ranges = await query<object>(
    client,
    `SELECT partition, log, toString(max(range_to)) AS loaded_to FROM sojourn.loaded_ranges
     GROUP BY partition, log ORDER BY partition, log`,
    undefined,
  );
  return JSON.stringify(ranges);
}

/** Each life of the log but the first of its stream began because it was put back. */
async function whenPutBack(client: ClickHouseClient): Promise<PutBack[]> {
  const lives = await query<{ partition: number; log: string }>(
    client,
    'SELECT DISTINCT partition, log FROM sojourn.loaded_ranges',
    undefined,
  );
  return lives
    .map(({ partition, log }) => ({ partition, since: beganAt(log) }))
    .filter(({ since }) => since > 0)
    .sort((a, b) => a.since - b.since)
    .map(({ partition, since }) => ({
      partition,
      writtenAnewSince: new Date(since).toISOString(),
    }));
}

function query<Row>(
  client: ClickHouseClient,
  text: string,
  project: string | undefined,
): Promise<Row[]> {
  return select<Row>(client, text, project === undefined ? {} : { project }, LONG_QUERY).catch(
    (error: unknown) => {
      const { cause } = toError(error);
      if (!(cause instanceof ClickHouseError) || cause.code !== UNKNOWN_TABLE) throw error;
      throw new SojournError(
        'SJ_NOT_FOUND',
        'ClickHouse has not got the views of the audit; `npx sojourn migrate` creates them',
        { cause: error },
      );
    },
  );
}

const UNKNOWN_TABLE = '60';

/** Signs of life, so that neither client nor proxy gives up on a query that reads everything. */
const LONG_QUERY = {
  send_progress_in_http_headers: 1,
  http_headers_progress_interval_ms: '15000',
} as const;
