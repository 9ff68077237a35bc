/** Compares `sessions` with `metrics` by the views `sojourn.audit` and `sojourn.drift` (004-drift). */
import { setTimeout as sleep } from 'node:timers/promises';
import { type ClickHouseClient, ClickHouseError } from '@clickhouse/client';
import { connectClickHouse, select } from '../platform/clickhouse.ts';
import { SojournError, toError } from '../shared/errors.ts';
import { commandConfig } from '../cli/command-config.ts';
import { formatCount, print, printJson, printTable, remark } from '../cli/output.ts';
import { createProgress } from '../cli/progress.ts';
import { type DriftRow, type Finding, findDrift, type Look, LOOKS_MAX } from './settled-drift.ts';

export interface AuditOptions {
  readonly project?: string | undefined;
  readonly json?: true | undefined;
  readonly dataDir: string;
}

/** Several times what a load takes; the loader makes about one a second. */
const PAUSE_MS = 2_000;
/** More rows that differ are counted, not shown. */
const ROWS_MAX = 10_000;

/** Prints what differs. @throws SojournError `SJ_DRIFT` where something does */
export async function audit(options: AuditOptions): Promise<void> {
  const { project } = options;
  const client = connectClickHouse(commandConfig(options, ['CLICKHOUSE_URL']), 'bi');
  const progress = createProgress('comparing sessions and metrics');
  const startedAt = Date.now();
  let number = 1;
  const ticker = setInterval(() => {
    const seconds = Math.round((Date.now() - startedAt) / 1_000);
    progress.update(0, `look ${number} of at most ${LOOKS_MAX}, ${seconds} s`);
  }, 200);
  let finding: Finding;
  try {
    finding = await findDrift({
      look: () => lookAt(client, project),
      pause: () => sleep(PAUSE_MS),
      onLook: (next) => {
        number = next;
      },
    });
  } finally {
    clearInterval(ticker);
    progress.stop();
    await client.close();
  }
  if (options.json === true) printJson(finding);
  else printFinding(finding);
  failWhere(finding, project);
}

function failWhere({ compared, differing, settled }: Finding, project: string | undefined): void {
  if (differing > 0) {
    const doubt = settled
      ? ''
      : '; the loader never paused, so some may have been on their way: try again in a quiet hour';
    throw new SojournError(
      'SJ_DRIFT',
      `${formatCount(differing)} of ${formatCount(compared)} rows differ between sessions and metrics${doubt}`,
    );
  }
  if (compared === 0 && project !== undefined) {
    throw new SojournError('SJ_NOT_FOUND', `there is nothing of project ${project} in ClickHouse`);
  }
}

async function lookAt(client: ClickHouseClient, project: string | undefined): Promise<Look> {
  const where = project === undefined ? '' : 'WHERE project = {project:String}';
  const loadedBefore = await loadedRanges(client);
  const [figures] = await query<{ compared: string; differing: string }>(
    client,
    `SELECT toString(count()) AS compared,
       toString(countIf(in_sessions != in_metrics OR count_in_sessions != count_in_metrics)) AS differing
     FROM sojourn.audit ${where}`,
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

function printFinding({ compared, rows }: Finding): void {
  if (rows.length === 0) {
    print(`${formatCount(compared)} rows compared, none differs`);
    return;
  }
  printTable(
    [
      'PROJECT',
      'METRIC',
      'GRANULARITY',
      'BUCKET',
      'SPLIT BY',
      'VALUE',
      'IN SESSIONS',
      'IN METRICS',
    ],
    rows.map((row) => [
      row.project,
      row.metricType,
      row.granularity,
      row.granularity === 'total' ? '' : row.bucket.slice(0, 16).replace('T', ' '),
      row.dimension,
      row.dimensionValue,
      amount(row.inSessions, row.countInSessions),
      amount(row.inMetrics, row.countInMetrics),
    ]),
  );
  remark('a value in sessions and metrics, with the number of measurements where it is another');
}

/** The value, and how many measurements it is the sum of where that is another number. */
function amount(value: string, count: string): string {
  return value === count || count === '0' ? value : `${value} of ${count}`;
}
