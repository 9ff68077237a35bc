/** What a ClickHouse cluster is like, and what of it is not as it has to be, in sentences (docs/decisions/054). */
import { type ClickHouseClient, ClickHouseError } from '@clickhouse/client';
import { toError } from '../shared/errors.ts';
import { DATABASE, select } from './clickhouse.ts';
import { clusterOf } from './clickhouse-servers.ts';
import { reasonOf } from './unreachable.ts';

/** As the server that was asked sees it. */
export interface ClusterState {
  /** What CLICKHOUSE_CLUSTER says. */
  readonly cluster: string;
  readonly known: readonly KnownCluster[];
  readonly tables: readonly ReplicatedTable[];
  /** Tables of ours that keep rows on one server only. */
  readonly plain: readonly string[];
}

export interface KnownCluster {
  readonly name: string;
  readonly shards: number;
  readonly replicas: number;
}

export interface ReplicatedTable {
  readonly name: string;
  readonly isReadOnly: boolean;
  /** That Keeper knows, */
  readonly replicas: number;
  /** and that have a session with it. */
  readonly active: number;
}

/** Also as the BI user. @throws SojournError `SJ_SERVER_UNREACHABLE` */
export async function readClusterState(
  client: ClickHouseClient,
  cluster: string,
): Promise<ClusterState> {
  const database = { database: DATABASE };
  const [known, tables, plain] = await Promise.all([
    select<KnownCluster>(
      client,
      `SELECT cluster AS name, toUInt32(uniqExact(shard_num)) AS shards, toUInt32(count()) AS replicas
       FROM system.clusters GROUP BY cluster ORDER BY cluster`,
    ),
    select<{ name: string; readonly: number; total: number; active: number }>(
      client,
      `SELECT table AS name, is_readonly AS readonly, toUInt32(total_replicas) AS total,
         toUInt32(active_replicas) AS active
       FROM system.replicas WHERE database = {database: String} ORDER BY table`,
      database,
    ),
    select<{ name: string }>(
      client,
      `SELECT name FROM system.tables
       WHERE database = {database: String} AND endsWith(engine, 'MergeTree')
         AND NOT startsWith(engine, 'Replicated') AND NOT startsWith(engine, 'Shared')
       ORDER BY name`,
      database,
    ),
  ]);
  return {
    cluster,
    known,
    tables: tables.map(({ name, readonly, total, active }) => ({
      name,
      isReadOnly: readonly !== 0,
      replicas: total,
      active,
    })),
    plain: plain.map(({ name }) => name),
  };
}

/** What should be mended of the cluster that a client is for; nothing where it is for one server, or none answers. */
export async function clusterWarningsOf(client: ClickHouseClient): Promise<readonly string[]> {
  const cluster = clusterOf(client);
  if (cluster === undefined) return [];
  try {
    return clusterWarnings(await readClusterState(client, cluster));
  } catch (error) {
    // Who is away is told by others.
    if (!(toError(error).cause instanceof ClickHouseError)) return [];
    return [
      `what the ClickHouse cluster ${cluster} is like cannot be asked: ${reasonOf(error)}; \`npx sojourn migrate\` gives the BI user the rights`,
    ];
  }
}

const HOW_TO_MOVE = 'docs/clickhouse-cluster.md';

/** Why nothing can be made on it; undefined where nothing is in the way. Pure. */
export function unfitSentence({ cluster, known, plain }: ClusterState): string | undefined {
  const found = known.find(({ name }) => name === cluster);
  if (found === undefined) {
    const names = known.map(({ name }) => name).join(', ');
    const which = names === '' ? 'it knows none' : `it knows ${names}`;
    return `ClickHouse knows no cluster ${cluster}, as CLICKHOUSE_CLUSTER says (${which}): name another one, or add it to remote_servers on each server`;
  }
  if (found.shards > 1) {
    return `the ClickHouse cluster ${cluster} has ${found.shards} shards, and each would have a part of the numbers: set CLICKHOUSE_CLUSTER to one that has all its servers in one shard`;
  }
  if (plain.length === 0) return undefined;
  return `ClickHouse has tables that are not replicated (${plain.join(', ')}), and CLICKHOUSE_CLUSTER is set: nothing was changed; move their rows first, as ${HOW_TO_MOVE} says, or unset CLICKHOUSE_CLUSTER`;
}

/** What should be mended soon, though it may still work, the worst first. Pure. */
export function clusterWarnings(state: ClusterState): readonly string[] {
  const unfit = unfitSentence(state);
  return [...(unfit === undefined ? [] : [unfit]), ...replicaWarnings(state)];
}

function replicaWarnings({ cluster, known, tables }: ClusterState): string[] {
  const wanted = known.find(({ name }) => name === cluster)?.replicas ?? 0;
  const readOnly = tables.filter(({ isReadOnly }) => isReadOnly);
  const [worst] = tables
    .filter(({ replicas, active }) => active < replicas)
    .sort((a, b) => a.active - quorumOf(a) - (b.active - quorumOf(b)));
  const fewer = tables.filter(({ replicas }) => replicas < wanted);
  return [
    ...(readOnly.length === 0
      ? []
      : [
          `ClickHouse takes no rows for ${namesOf(readOnly)} on the server that was asked (read-only): it has lost ClickHouse Keeper`,
        ]),
    ...(worst === undefined ? [] : [awaySentence(cluster, worst)]),
    ...(fewer.length === 0
      ? []
      : [
          `the ClickHouse cluster ${cluster} has ${wanted} servers, and not all have ${namesOf(fewer)}: \`npx sojourn migrate\` makes them there`,
        ]),
    ...(wanted === 1 || wanted === 2 ? [fewServersSentence(cluster, wanted)] : []),
  ];
}

/** Of how many replicas each insert waits: insert_quorum = 'auto'. */
function quorumOf({ replicas }: ReplicatedTable): number {
  return Math.floor(replicas / 2) + 1;
}

function awaySentence(cluster: string, table: ReplicatedTable): string {
  const { name, replicas, active } = table;
  const quorum = quorumOf(table);
  const what = `of the ${replicas} replicas of ${name} in the ClickHouse cluster ${cluster} ${active} answer`;
  return active < quorum
    ? `${what}, and an insert needs ${quorum}: nothing is loaded until another one is back`
    : `${what}: ${active === quorum ? 'with one more away nothing is loaded' : 'the others are away'}`;
}

function fewServersSentence(cluster: string, servers: number): string {
  return servers === 1
    ? `the ClickHouse cluster ${cluster} has one server, and with its disk all is lost: three are what it should have`
    : `the ClickHouse cluster ${cluster} has two servers, and an insert needs both: with one away nothing is loaded; three are what it should have`;
}

function namesOf(tables: readonly ReplicatedTable[]): string {
  return tables.map(({ name }) => name).join(', ');
}
