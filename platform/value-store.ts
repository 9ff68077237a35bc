/** Values of dimensions as ClickHouse has them: what is loaded, and which sets are full (015-full-dimensions). */
import { type ClickHouseClient, TupleParam } from '@clickhouse/client';
import type { TableWriter } from '../activities/load-batch.ts';
import type { ValueStore } from '../activities/bound-values.ts';
import { BOT_PREFIX, BOUNDED_METRICS } from '../shared/catalogue.ts';
import { rangeToken } from '../shared/ranges.ts';
import { type DayValues, dayValuesText, OTHER_VALUE } from '../shared/value-bounds.ts';
import { select } from './clickhouse.ts';

/** Sets that one query asks for: they go along in its address, of which ClickHouse takes 128 KiB a parameter. */
const SETS_AT_ONCE = 200;

/** Of a set that has none there is no row. */
interface ValuesRow {
  readonly project: string;
  readonly day: number;
  readonly dimension: string;
  readonly values: readonly string[];
}

const FULL = `SELECT project, toUInt16(full_dimensions.day) AS day, dimension, kept_values AS values
  FROM sojourn.full_dimensions FINAL
  WHERE (project, toUInt16(full_dimensions.day), dimension) IN {sets:Array(Tuple(String, UInt16, String))}`;

/** The first conditions are for the index. */
const LOADED = `SELECT project, toUInt16(toDate(bucket)) AS day,
    if(startsWith(metrics.dimension, '${BOT_PREFIX}'), substring(metrics.dimension, ${BOT_PREFIX.length + 1}), metrics.dimension) AS dimension,
    groupUniqArray(dimension_value) AS values
  FROM sojourn.metrics
  WHERE (metric_type, granularity) IN {metrics:Array(Tuple(String, String))}
    AND metrics.dimension IN {dimensions:Array(String)}
    AND (project, toUInt16(toDate(bucket))) IN {days:Array(Tuple(String, UInt16))}
    AND (project, day, dimension) IN {sets:Array(Tuple(String, UInt16, String))}
    AND dimension_value != {other:String}
  GROUP BY project, day, dimension`;

/** What an entry takes beside its text, about. */
const ENTRY_BYTES = 64;

interface SizeRow extends Omit<ValuesRow, 'values'> {
  readonly bytes: number;
}

/** A set that is full is read by its note, any other by its rows. */
const SIZES = [
  FULL.replace(
    'kept_values AS values',
    sizeAs('length(kept_values)', 'arraySum(length, kept_values)'),
  ),
  LOADED.replace(
    'groupUniqArray(dimension_value) AS values',
    sizeAs('uniq(dimension_value)', 'uniq(dimension_value) * avg(length(dimension_value))'),
  ),
] as const;

function sizeAs(entries: string, chars: string): string {
  return `toFloat64(${entries} * ${ENTRY_BYTES} + ${chars}) AS bytes`;
}

/** `2015-05-17` */
function dateOf(day: number): string {
  return new Date(day * 86_400_000).toISOString().slice(0, 10);
}

/** @param reader may read; what writes need not */
export function createValueStore(reader: ClickHouseClient, tables: TableWriter): ValueStore {
  /** What a query of the notes and one of the rows have to say of some sets. */
  const ask = <Row>(queries: readonly [string, string], sets: readonly DayValues[]) => {
    const params = {
      sets: sets.map(({ project, day, dimension }) => new TupleParam([project, day, dimension])),
    };
    return Promise.all([
      select<Row>(reader, queries[0], params),
      select<Row>(reader, queries[1], {
        ...params,
        metrics: BOUNDED_METRICS.map((pair) => new TupleParam(pair)),
        dimensions: [
          ...new Set(sets.flatMap(({ dimension }) => [dimension, `${BOT_PREFIX}${dimension}`])),
        ],
        days: sets.map(({ project, day }) => new TupleParam([project, day])),
        other: OTHER_VALUE,
      }),
    ]);
  };
  const read = async (sets: readonly DayValues[]) => {
    const [full, loaded] = await ask<ValuesRow>([FULL, LOADED], sets);
    const fullOf = new Map(full.map((row) => [dayValuesText(row), row.values]));
    const loadedOf = new Map(loaded.map((row) => [dayValuesText(row), row.values]));
    return sets.map((set) => {
      const text = dayValuesText(set);
      const values = fullOf.get(text);
      return {
        values: new Set(values ?? loadedOf.get(text) ?? []),
        isFull: values !== undefined,
      };
    });
  };

  const measure = async (sets: readonly DayValues[]) => {
    const rows = (await ask<SizeRow>(SIZES, sets)).flat();
    const sizeOf = new Map<string, number>();
    for (const row of rows) {
      const text = dayValuesText(row);
      sizeOf.set(text, Math.max(row.bytes, sizeOf.get(text) ?? 0));
    }
    return sets.map((set) => sizeOf.get(dayValuesText(set)) ?? 0);
  };

  return {
    read: (sets) => inTurns(sets, read),
    sizes: (sets) => inTurns(sets, measure),

    async note(range, { set, values, valuesMax }) {
      const { partition, log, from } = range;
      const { project, day, dimension } = set;
      const row = {
        partition,
        log,
        range_from: from,
        project,
        day: dateOf(day),
        dimension,
        values_max: valuesMax,
        kept_values: values,
      };
      // A token of its own for each: which sets become full together may differ from one attempt to the next.
      const token = `${rangeToken(range)}-full-${dayValuesText(set)}`;
      await tables.insert('full_dimensions_inbox', [row], token);
    },
  };
}

/** The answers for so many sets at a time, in their order. */
async function inTurns<T>(
  sets: readonly DayValues[],
  ask: (some: readonly DayValues[]) => Promise<readonly T[]>,
): Promise<T[]> {
  const found: T[] = [];
  for (let at = 0; at < sets.length; at += SETS_AT_ONCE) {
    found.push(...(await ask(sets.slice(at, at + SETS_AT_ONCE))));
  }
  return found;
}
