/**
 * ClickHouse as the page asks it: as the BI user, who may only read, with limits on every query. The
 * same question asked twice at once runs once; when nobody waits for it any more it is called off.
 */
import {
  type ClickHouseClient,
  ClickHouseError,
  type ClickHouseSettings,
} from '@clickhouse/client';
import { LRUCache } from 'lru-cache';
import { reasonOf } from '../platform/unreachable.ts';
import { SojournError } from '../shared/errors.ts';
import type { Query } from './conditions.ts';

export interface Database {
  /** All rows. @throws SojournError `SJ_SERVER_UNREACHABLE`, `SJ_TIMEOUT`; the signal's reason */
  rows<Row>(query: Query, signal?: AbortSignal): Promise<readonly Row[]>;
  /** The answer in a format of ClickHouse, as it comes. */
  stream(query: Query, format: ExportFormat, signal: AbortSignal): Promise<NodeJS.ReadableStream>;
}

export type ExportFormat = 'CSVWithNames' | 'Parquet';

export interface DatabaseOptions {
  /** How old an answer may be that is given again. @default 1 s */
  readonly keepMs?: number;
}

/** A page that shows more would show nobody anything. */
const RESULT_ROWS_MAX = 20_000;
const EXECUTION_SECONDS_MAX = 50;
const EXPORT_SECONDS_MAX = 300;
const ANSWERS_MAX = 200;
const KEPT_ROWS_MAX = 50_000;

const LIMITS: ClickHouseSettings = {
  max_execution_time: EXECUTION_SECONDS_MAX,
  max_result_rows: String(RESULT_ROWS_MAX),
  result_overflow_mode: 'throw',
};

interface Asked {
  readonly answer: Promise<readonly unknown[]>;
  readonly stop: AbortController;
  waiting: number;
}

export function createDatabase(
  client: ClickHouseClient,
  { keepMs = 1_000 }: DatabaseOptions = {},
): Database {
  const answers = new LRUCache<string, readonly unknown[]>({
    max: ANSWERS_MAX,
    maxSize: KEPT_ROWS_MAX,
    sizeCalculation: (rows) => rows.length + 1,
    ttl: keepMs || 1,
    // Else what nobody asks for again stays for ever.
    ttlAutopurge: true,
  });
  const asked = new Map<string, Asked>();

  function ask(key: string, { sql, params }: Query): Asked {
    const stop = new AbortController();
    const answer = run(client, sql, params, stop.signal)
      .then((rows) => {
        if (keepMs > 0) answers.set(key, rows);
        return rows;
      })
      .finally(() => {
        if (asked.get(key)?.stop === stop) asked.delete(key);
      });
    const entry = { answer, stop, waiting: 0 };
    asked.set(key, entry);
    return entry;
  }

  return {
    async rows<Row>(query: Query, signal?: AbortSignal) {
      const key = JSON.stringify([query.sql, query.params]);
      const kept = answers.get(key);
      if (kept !== undefined) return kept as readonly Row[];
      const entry = asked.get(key) ?? ask(key, query);
      entry.waiting += 1;
      try {
        return (await unlessAborted(entry.answer, signal)) as readonly Row[];
      } finally {
        entry.waiting -= 1;
        if (entry.waiting === 0 && asked.get(key) === entry) {
          asked.delete(key);
          entry.stop.abort();
        }
      }
    },
    async stream({ sql, params }, format, signal) {
      try {
        const { stream } = await client.exec({
          query: `${sql} FORMAT ${format}`,
          query_params: params,
          abort_signal: signal,
          clickhouse_settings: {
            max_execution_time: EXPORT_SECONDS_MAX,
            max_result_rows: '0',
            // A failure half-way must not look like a whole file.
            http_write_exception_in_output_format: 0,
          },
        });
        return stream;
      } catch (error) {
        throw explained(error);
      }
    },
  };
}

async function run(
  client: ClickHouseClient,
  query: string,
  params: Query['params'],
  signal: AbortSignal,
): Promise<readonly unknown[]> {
  try {
    const result = await client.query({
      query,
      query_params: { ...params },
      format: 'JSONEachRow',
      abort_signal: signal,
      clickhouse_settings: LIMITS,
    });
    return await result.json();
  } catch (error) {
    throw explained(error);
  }
}

/** Codes of ClickHouse: too slow, too many rows, too much memory. */
const TOO_MUCH: ReadonlySet<string> = new Set(['159', '160', '396', '241', '307', '158']);

function explained(error: unknown): SojournError {
  if (error instanceof ClickHouseError && TOO_MUCH.has(error.code)) {
    return new SojournError(
      'SJ_TIMEOUT',
      'ClickHouse gave the question up: it took too long or too much; ask for fewer days',
      { cause: error },
    );
  }
  const what = error instanceof ClickHouseError ? 'refused a query' : 'does not answer';
  return new SojournError('SJ_SERVER_UNREACHABLE', `ClickHouse ${what}: ${reasonOf(error)}`, {
    cause: error,
  });
}

/** The answer, unless whoever asked goes away before. */
function unlessAborted<T>(answer: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return answer;
  return new Promise((resolve, reject) => {
    const leave = () => {
      reject(signal.reason instanceof Error ? signal.reason : new Error('called off'));
    };
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave, { once: true });
    answer
      .then(resolve, reject)
      .finally(() => {
        signal.removeEventListener('abort', leave);
      })
      .catch(() => undefined);
  });
}
