/** Values of dimensions as ClickHouse has them: what is loaded, and which sets are full (015-full-dimensions). */
import { type ClickHouseClient, TupleParam } from '@clickhouse/client';
import type { TableWriter } from '../activities/load-batch.ts';
import type { ValueStore } from '../activities/bound-values.ts';
import { BOT_PREFIX, BOUNDED_METRICS } from '../shared/catalogue.ts';
import { rangeToken } from '../shared/ranges.ts';
import { type DayValues, dayValuesText, OTHER_VALUE } from '../shared/value-bounds.ts';
import { select } from './clickhouse.ts';

/** Sets that one query asks for: what it needs to know of them goes along with it. */
const SETS_AT_ONCE = 1_000;

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

/** `2015-05-17` */
function dateOf(day: number): string {
  return new Date(day * 86_400_000).toISOString().slice(0, 10);
}

/** @param reader may read; what writes need not */
export function createValueStore(reader: ClickHouseClient, tables: TableWriter): ValueStore {
  const read = async (sets: readonly DayValues[]) => {
    const params = {
      sets: sets.map(({ project, day, dimension }) => new TupleParam([project, day, dimension])),
    };
    const [full, loaded] = await Promise.all([
      select<ValuesRow>(reader, FULL, params),
      select<ValuesRow>(reader, LOADED, {
        ...params,
        metrics: BOUNDED_METRICS.map((pair) => new TupleParam(pair)),
        dimensions: [
          ...new Set(sets.flatMap(({ dimension }) => [dimension, `${BOT_PREFIX}${dimension}`])),
        ],
        days: sets.map(({ project, day }) => new TupleParam([project, day])),
        other: OTHER_VALUE,
      }),
    ]);
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

  return {
    async read(sets) {
      const parts: DayValues[][] = [];
      for (let at = 0; at < sets.length; at += SETS_AT_ONCE) {
        parts.push(sets.slice(at, at + SETS_AT_ONCE));
      }
      const found = [];
      for (const part of parts) found.push(...(await read(part)));
      return found;
    },

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
