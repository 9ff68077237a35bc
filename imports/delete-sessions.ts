/** Sessions that a chunk of an import takes the place of, taken out of the table `sessions`. */
import type { ClickHouseClient } from '@clickhouse/client';
import { DATABASE, select } from '../platform/clickhouse.ts';
import { reasonOf } from '../platform/unreachable.ts';
import { SojournError } from '../shared/errors.ts';
import type { LogRange } from '../shared/ranges.ts';
import { parts } from './kept-sessions.ts';

/**
 * Those with these first runs. Returns once no query sees them; safe to repeat. A chunk that is loaded already, or whose
 * import was taken back meanwhile, deletes none: ClickHouse itself asks, with the deletion.
 * @param admin may delete
 * @throws SojournError `SJ_SERVER_UNREACHABLE`
 */
export async function deleteSessions(
  admin: ClickHouseClient,
  project: string,
  identities: readonly string[],
  { partition, log, from: chunk }: LogRange,
): Promise<void> {
  for (const some of parts(identities)) {
    const where = `project = {project:String} AND substring(first_run_id, 1, 5) IN {begins:Array(String)}
       AND first_run_id IN {identities:Array(String)}
       AND project NOT IN (
         SELECT {project:String} FROM ${DATABASE}.loaded_ranges
         WHERE partition = {partition:UInt32} AND log = {log:String} AND range_to >= {chunk:UInt64})`;
    const begins = [...new Set(some.map((identity) => identity.slice(0, 5)))];
    const params = { project, identities: some, begins, partition, log, chunk };
    const [row] = await select<{ there: string }>(
      admin,
      `SELECT toString(count()) AS there FROM ${DATABASE}.sessions WHERE ${where}`,
      params,
    );
    if (Number(row?.there ?? 0) === 0) continue;
    await admin
      .command({
        query: `DELETE FROM ${DATABASE}.sessions WHERE ${where}`,
        query_params: params,
        clickhouse_settings: { lightweight_deletes_sync: '2', allow_nondeterministic_mutations: 1 },
      })
      .catch((error: unknown) => {
        throw new SojournError(
          'SJ_SERVER_UNREACHABLE',
          `ClickHouse did not delete sessions (${reasonOf(error)}); the same again goes on`,
          { cause: error },
        );
      });
  }
}
