/** A database with the two tables of the product, for whoever makes the same rows some other way. */
import { select } from '../../platform/clickhouse.ts';
import type { World } from '../world.ts';

/** Makes it anew, empty. */
export async function emptyDatabase({ admin }: World, database: string): Promise<void> {
  const statements = [
    `DROP DATABASE IF EXISTS ${database} SYNC`,
    `CREATE DATABASE ${database}`,
    `CREATE TABLE ${database}.metrics AS sojourn.metrics`,
    `CREATE TABLE ${database}.sessions AS sojourn.sessions`,
  ];
  for (const query of statements) await admin.command({ query });
}

/** How two makers' rows compare. */
export interface Compared {
  /** Metric rows that either has, by their whole key. */
  readonly metrics: number;
  readonly sessions: number;
  /** Rows that only one has, or both with different figures. */
  readonly differences: number;
}

/** Who made it, what its identity is and which write it came with: not what it says. */
const NOT_COMPARED = ['project', 'first_run_id', 'version', 'visitor_key'];

/** Compares what a database holds with what Sojourn has of a project: every metric row and every column of the sessions. */
export async function compareRows(
  { admin }: World,
  project: string,
  database: string,
): Promise<Compared> {
  const columns = await select<{ name: string }>(
    admin,
    `SELECT name FROM system.columns WHERE database = 'sojourn' AND table = 'sessions'
       AND name NOT IN {names: Array(String)} ORDER BY position`,
    { names: NOT_COMPARED },
  );
  // As texts: a map is no key of a group.
  const row = columns.map(({ name }) => `toString(${name})`).join(', ');
  const key = 'metric_type, granularity, bucket, dimension, dimension_value';
  const [metrics] = await select<Counted>(
    admin,
    `SELECT toUInt32(count()) AS rows, toUInt32(countIf(value != 0 OR amount != 0)) AS differences FROM (
       SELECT ${key}, sum(v) AS value, sum(c) AS amount FROM (
         SELECT ${key}, value AS v, count AS c FROM sojourn.metrics WHERE project = {project: String}
         UNION ALL SELECT ${key}, -value AS v, -count AS c FROM ${database}.metrics)
       GROUP BY ${key})`,
    { project },
  );
  const [sessions] = await select<Counted>(
    admin,
    `SELECT toUInt32(uniqExact(id)) AS rows, toUInt32(countIf(side != 0)) AS differences FROM (
       SELECT id, row, sum(side) AS side FROM (
         SELECT session_id AS id, [${row}] AS row, 1 AS side FROM sojourn.sessions FINAL WHERE project = {project: String}
         UNION ALL SELECT session_id AS id, [${row}] AS row, -1 AS side FROM ${database}.sessions FINAL)
       GROUP BY id, row)`,
    { project },
  );
  return {
    metrics: metrics?.rows ?? 0,
    sessions: sessions?.rows ?? 0,
    differences: (metrics?.differences ?? NaN) + (sessions?.differences ?? NaN),
  };
}

interface Counted {
  readonly rows: number;
  readonly differences: number;
}
