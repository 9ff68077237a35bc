/** How far the rollup log is loaded, by the tables themselves: the newest row of `loaded_ranges` (001-metrics, 007-range-times). */
import type { ClickHouseClient } from '@clickhouse/client';
import type { LoadedTables } from '../activities/load-ledger.ts';
import { beganAt, type LogPosition } from '../shared/ranges.ts';
import { DATABASE, select } from './clickhouse.ts';

/** One for each life of the stream: it was put back to an older copy in between. */
const LOADED = `SELECT log, toString(max(range_to)) AS seq, argMax(range_at, range_to) AS at
  FROM ${DATABASE}.loaded_ranges
  WHERE partition = {partition: UInt32} AND (log = {stream: String} OR startsWith(log, concat({stream: String}, '-')))
  GROUP BY log`;

interface LoadedRow {
  readonly log: string;
  readonly seq: string;
  /** Empty where a version loaded it that kept no times. */
  readonly at: string;
}

/** @returns undefined where nothing of the stream is loaded. @throws SojournError `SJ_SERVER_UNREACHABLE` */
export async function readLoadedPlace(
  client: ClickHouseClient,
  partition: number,
  stream: string,
): Promise<LogPosition | undefined> {
  const rows = await select<LoadedRow>(client, LOADED, { partition, stream });
  const [newest] = rows.sort((a, b) => beganAt(b.log) - beganAt(a.log));
  if (newest === undefined) return undefined;
  const { log, seq, at } = newest;
  return { log, seq: Number(seq), ...(at !== '' && { at }) };
}

/** @param reader may read, which whoever writes need not */
export function createLoadedTables(reader: ClickHouseClient): LoadedTables {
  return { loadedTo: (partition, stream) => readLoadedPlace(reader, partition, stream) };
}
