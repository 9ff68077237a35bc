/**
 * How far a load has got, where its rows are: the table `loaded_ranges`, in which a load is a life of a log of its own
 * and a chunk a range of one record (decision 013). So a chunk that is loaded is let go should it come again, and a
 * ClickHouse that is put back to an older copy is put back together with what it says of the load.
 */
import type { ClickHouseClient } from '@clickhouse/client';
import type { TableWriter } from '../activities/load-batch.ts';
import { select } from '../platform/clickhouse.ts';
import { type LogRange, rangeToken } from '../shared/ranges.ts';

/** No stream is called so: a life of the rollup log is a number, or two. */
const LIFE = 'bulk/';
const PARTITION = 0;

/**
 * The place of a chunk.
 * @param number from 1
 * @param valuesMax how many values a dimension may have, where it is loaded: the place is the same whatever it is
 */
export function chunkRange(load: string, number: number, valuesMax?: number): LogRange {
  const place = { partition: PARTITION, log: `${LIFE}${load}`, from: number, to: number };
  return { ...place, ...(valuesMax !== undefined && { valuesMax }) };
}

/** Says that a load has begun, before anything of it is loaded. Again is the same. @throws what the tables throw */
export async function noteBegun(tables: TableWriter, load: string): Promise<void> {
  await noteReached(tables, load, 0);
}

/** Says that all of it is loaded: nothing more is taken under its name. Again is the same. @throws what the tables throw */
export async function noteDone(tables: TableWriter, load: string): Promise<void> {
  await noteReached(tables, load, ALL);
}

/** Behind every chunk. */
const ALL = Number.MAX_SAFE_INTEGER;

/** Says that a load has come so far, by a row alone: nothing else comes with it. Again is the same. @throws what the tables throw */
export async function noteReached(
  tables: TableWriter,
  load: string,
  number: number,
): Promise<void> {
  const range = chunkRange(load, number);
  const { partition, log, from, to } = range;
  const place = { partition, log, range_from: from, range_to: to, range_at: '', records: 0 };
  await tables.insert('loaded_ranges', [place], rangeToken(range));
}

export interface BegunLoad {
  readonly load: string;
  /** Number of the last chunk that is loaded; 0 before the first. */
  readonly loadedTo: number;
  readonly isDone: boolean;
}

/**
 * Loads that have begun and whose names begin so, by name.
 * @param client of a user who may read
 * @throws SojournError `SJ_SERVER_UNREACHABLE`
 */
export async function begunLoads(
  client: ClickHouseClient,
  nameBegin: string,
): Promise<readonly BegunLoad[]> {
  const rows = await select<{ log: string; loaded: string }>(
    client,
    `SELECT log, toString(max(range_to)) AS loaded FROM sojourn.loaded_ranges
     WHERE partition = ${PARTITION} AND startsWith(log, {begin:String}) GROUP BY log ORDER BY log`,
    { begin: `${LIFE}${nameBegin}` },
  );
  return rows.map(({ log, loaded }) => ({
    load: log.slice(LIFE.length),
    loadedTo: Number(loaded),
    isDone: Number(loaded) === ALL,
  }));
}
