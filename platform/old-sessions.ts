/** Sessions that ClickHouse shows under older definitions, for whoever restates them. */
import type { ClickHouseClient } from '@clickhouse/client';
import type { FindsOldSessions } from '../activities/restate-chunk.ts';
import type { OldSession, OldSessions, RestatePlan } from '../shared/restate-job.ts';
import { DATABASE, select } from './clickhouse.ts';

/** Temporal deletes a closed session somewhat later than it may, and clocks differ. */
const LATER_MS = 24 * 60 * 60 * 1_000;

/** An open session is known however long ago it wrote. Whoever is asked about one that is not says so. */
const IS_KNOWN = `(state = 'open' OR updated_at >= fromUnixTimestamp64Milli({knownSince:Int64}))`;

/** After a place in the order of the table (migrations/005); the first condition is what its index understands. */
const FOLLOWS = `AND substring(first_run_id, 1, 5) >= substring({afterIdentity:String}, 1, 5)
  AND (substring(first_run_id, 1, 5), project, first_run_id)
    > (substring({afterIdentity:String}, 1, 5), {afterProject:String}, {afterIdentity:String})`;

/**
 * @param reader what was loaded a moment ago need not be in it: a session that is told twice does it once
 * @param lateWindowMs for so long Temporal keeps a session that has closed
 */
export function createOldSessions(
  reader: ClickHouseClient,
  lateWindowMs: number,
  now: () => number = Date.now,
): FindsOldSessions {
  const knownSince = () => now() - lateWindowMs - LATER_MS;
  return {
    async countOld(plan) {
      const [counted] = await select<{ readonly known: string; readonly beyond: string }>(
        reader,
        `SELECT toString(countIf(${IS_KNOWN})) AS known, toString(countIf(NOT ${IS_KNOWN})) AS beyond
         FROM ${DATABASE}.sessions FINAL WHERE ${conditionOf(plan)}`,
        { ...paramsOf(plan), knownSince: knownSince() },
      );
      return asNumbers(counted);
    },

    findOld: (plan, after, limit) =>
      select<OldSession>(
        reader,
        `SELECT project, session_id AS sessionId, first_run_id AS identity
         FROM ${DATABASE}.sessions FINAL
         WHERE ${conditionOf(plan)} AND ${IS_KNOWN}
           ${after === undefined ? '' : FOLLOWS}
         ORDER BY substring(first_run_id, 1, 5), project, first_run_id LIMIT {limit:UInt32}`,
        {
          ...paramsOf(plan),
          ...{ knownSince: knownSince(), limit },
          ...(after && { afterProject: after.project, afterIdentity: after.identity }),
        },
      ),
  };
}

function conditionOf({ project }: RestatePlan): string {
  const ofProject = project === undefined ? '' : ' AND project = {project:String}';
  return `started_at >= fromUnixTimestamp64Milli({from:Int64}) AND catalogue < {catalogue:UInt32}${ofProject}`;
}

function paramsOf({ from, catalogue, project }: RestatePlan): Record<string, unknown> {
  return { from, catalogue, ...(project !== undefined && { project }) };
}

function asNumbers(counted: { readonly known: string; readonly beyond: string } | undefined) {
  const { known = '0', beyond = '0' } = counted ?? {};
  return { known: Number(known), beyond: Number(beyond) } satisfies OldSessions;
}
