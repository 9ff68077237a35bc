/** What `migrate` does on a ClickHouse cluster besides (docs/decisions/054): looks before it begins, and mends what a server lacks. */
import type { ClickHouseClient } from '@clickhouse/client';
import { SojournError, toError } from '../shared/errors.ts';
import { DATABASE, INTAKES, select } from './clickhouse.ts';
import { clusterWarnings, readClusterState, unfitSentence } from './cluster-state.ts';
import type { Logger } from './log.ts';

/** Each server says by them which one it is; a replica's path in Keeper has them in it. */
const MACROS = ['replica', 'shard'];

/**
 * Before anything is made.
 * @param onAway for where no server answers
 * @throws SojournError `SJ_MIGRATION` where the cluster is none, has shards or tables that are not replicated, or where the
 * server that was asked has no macros; `SJ_SERVER_UNREACHABLE`
 */
export async function checkCluster(
  client: ClickHouseClient,
  cluster: string,
  onAway: (error: unknown) => Promise<never>,
): Promise<void> {
  const unfit = unfitSentence(await readClusterState(client, cluster).catch(onAway));
  if (unfit !== undefined) throw new SojournError('SJ_MIGRATION', unfit);
  const rows = await select<{ macro: string }>(client, 'SELECT macro FROM system.macros');
  const missing = MACROS.filter((name) => !rows.some(({ macro }) => macro === name));
  if (missing.length === 0) return;
  throw new SojournError(
    'SJ_MIGRATION',
    `ClickHouse has no macro ${missing.join(' and no macro ')}: give each server of the cluster ${cluster} both, replica its own, shard the same`,
  );
}

interface Lacked {
  readonly name: string;
  /** The statement that made it. */
  readonly definition: string;
}

/**
 * Makes on all servers what some of them lack: a server that was added, or came back with an empty disk. Its tables get
 * their rows from the other replicas.
 * @throws SojournError `SJ_MIGRATION` where a server does not take one
 */
export async function mendReplicas(
  client: ClickHouseClient,
  cluster: string,
  log: Logger,
): Promise<void> {
  let left = await lackedOnSome(client, cluster);
  if (left.length === 0) return;
  const names = left.map(({ name }) => name);
  // A view may stand on one that comes later: so again, as long as one more is made.
  for (let before = 0; left.length !== before && left.length > 0;) {
    before = left.length;
    const failed: Lacked[] = [];
    let error: unknown;
    for (const lacked of left) {
      const made = client.command({ query: whereMissing(lacked.definition) });
      await made.catch((thrown: unknown) => {
        failed.push(lacked);
        error = thrown;
      });
    }
    left = failed;
    if (left.length === before) throw notMended(cluster, left, error);
  }
  log.warn(
    { cluster, made: names },
    'servers of the clickhouse cluster lacked some, and have them',
  );
}

function notMended(cluster: string, left: readonly Lacked[], error: unknown): SojournError {
  const names = left.map(({ name }) => name).join(', ');
  return new SojournError(
    'SJ_MIGRATION',
    `servers of the ClickHouse cluster ${cluster} lack ${names}, and do not take them: ${toError(error).message}`,
    { cause: error },
  );
}

/** As ClickHouse says how something was made, so that it is made where it is not. Pure. */
export function whereMissing(definition: string): string {
  return definition.replace(/^CREATE (TABLE|VIEW|MATERIALIZED VIEW) /, 'CREATE $1 IF NOT EXISTS ');
}

/**
 * Tables before views; what was made for a moment is not looked at, and what may only be detached is attached by
 * `restoreIntake`.
 */
async function lackedOnSome(client: ClickHouseClient, cluster: string): Promise<readonly Lacked[]> {
  return select<Lacked>(
    client,
    `SELECT name, any(create_table_query) AS definition
     FROM clusterAllReplicas({cluster: String}, system.tables)
     WHERE database = {database: String} AND NOT startsWith(name, 'analyst_probe_')
       AND concat(database, '.', name) NOT IN {intakes: Array(String)}
     GROUP BY name HAVING count() < {servers: UInt32}
     ORDER BY max(endsWith(engine, 'View')), max(engine = 'MaterializedView'), name`,
    {
      ...{ cluster, database: DATABASE, intakes: [...INTAKES.values()] },
      servers: await serversOf(client, cluster),
    },
  );
}

/** Whether all servers of a cluster have a table or view. @throws SojournError `SJ_SERVER_UNREACHABLE` */
export async function isOnAllServers(
  client: ClickHouseClient,
  cluster: string,
  name: string,
): Promise<boolean> {
  const [row] = await select<{ have: number }>(
    client,
    `SELECT toUInt32(count()) AS have FROM clusterAllReplicas({cluster: String}, system.tables)
     WHERE concat(database, '.', name) = {name: String}`,
    { cluster, name },
  );
  return row?.have === (await serversOf(client, cluster));
}

async function serversOf(client: ClickHouseClient, cluster: string): Promise<number> {
  const [row] = await select<{ servers: number }>(
    client,
    'SELECT toUInt32(count()) AS servers FROM system.clusters WHERE cluster = {cluster: String}',
    { cluster },
  );
  return row?.servers ?? 0;
}

/** What is not as it should be, though everything was made. */
export async function warnOfCluster(
  client: ClickHouseClient,
  cluster: string,
  log: Logger,
): Promise<void> {
  for (const warning of clusterWarnings(await readClusterState(client, cluster))) log.warn(warning);
}
