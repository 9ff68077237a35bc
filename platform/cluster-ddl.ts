/**
 * What defines tables, views and users, as it runs on a cluster (docs/decisions/054): the migrations say it for one server,
 * and here each statement gets its `ON CLUSTER`, each table that keeps rows an engine that replicates them. Pure.
 */
import { SojournError } from '../shared/errors.ts';
import { quotedName } from './quoted-name.ts';

/** Where Keeper has what the replicas of a table agree upon. Two shards, or two tables, never share one. */
const KEEPER_PATH = '/clickhouse/tables/{shard}';

/**
 * Each insert into it has a token, though one server need not know it: a replica that is asked how far the log is loaded
 * goes by the newest insert, so none may come late.
 */
const IN_ORDER: ReadonlyMap<string, string> = new Map([['sojourn/loaded_ranges', '10000']]);

/** A week, as in 006-replicated-windows: longer than a load is ever tried again. */
const WINDOW_SECONDS = 604_800;

const NAME = String.raw`(?:\`(?:[^\`\\]|\\.)*\`|\w+)`;
const QUALIFIED = String.raw`${NAME}(?:\.${NAME})?`;

/** What a statement begins with, up to where its `ON CLUSTER` goes. */
const HEADS: readonly RegExp[] = [
  String.raw`(?:CREATE|DROP) DATABASE (?:IF (?:NOT )?EXISTS )?${NAME}`,
  String.raw`(?:CREATE|ATTACH|DROP|ALTER) TABLE (?:IF (?:NOT )?EXISTS )?${QUALIFIED}`,
  String.raw`(?:CREATE(?: OR REPLACE)?|DROP) (?:MATERIALIZED )?VIEW (?:IF (?:NOT )?EXISTS )?${QUALIFIED}`,
  String.raw`EXCHANGE TABLES ${QUALIFIED} AND ${QUALIFIED}`,
  String.raw`(?:CREATE|ALTER|DROP) USER (?:OR REPLACE |IF (?:NOT )?EXISTS )?${NAME}`,
  String.raw`(?:CREATE|DROP) ROW POLICY (?:OR REPLACE |IF (?:NOT )?EXISTS )?${NAME}`,
  String.raw`SYSTEM SYNC REPLICA`,
  String.raw`GRANT`,
  String.raw`REVOKE`,
].map((head) => new RegExp(`^${head}(?=\\s|$)`));

/** What replicas tell each other of by themselves. */
const OF_ROWS = new RegExp(
  String.raw`^(?:INSERT INTO|DELETE FROM|ALTER TABLE ${QUALIFIED}\s+(?:DELETE|DROP PARTITION|MATERIALIZE))\s`,
);

/**
 * A statement as all servers of a cluster are to run it; one about rows is as it was.
 * @throws SojournError `SJ_MIGRATION` where nothing is known of such a statement: it would run on one server only
 */
export function clusterStatement(statement: string, cluster: string): string {
  if (OF_ROWS.test(statement)) return statement;
  for (const head of HEADS) {
    const [found] = head.exec(statement) ?? [];
    if (found === undefined) continue;
    const rest = statement.slice(found.length);
    const isTable = found.startsWith('CREATE TABLE');
    return `${found} ON CLUSTER ${quotedName(cluster)}${isTable ? replicated(tableOf(found), rest) : rest}`;
  }
  throw new SojournError(
    'SJ_MIGRATION',
    `not known how a cluster runs this: ${statement.slice(0, 80)}`,
  );
}

/** `sojourn/metrics`. A table that is renamed later keeps the path that it was made with. */
function tableOf(head: string): string {
  const [name = ''] = new RegExp(`${QUALIFIED}$`).exec(head) ?? [];
  return name.replace(/[`\\]/g, '').replace('.', '/');
}

/** No other word of a table's definition ends so, and the names of columns are lower case. */
const ENGINE = /\bENGINE = (\w*MergeTree)\b(?:\(((?:[^()]|\([^()]*\))*)\))?/;

/** A definition whose rows are kept by all replicas; one that keeps none (Null) is as it was. */
function replicated(table: string, definition: string): string {
  const found = ENGINE.exec(definition);
  if (found === null) return definition;
  const [whole, engine = '', given = ''] = found;
  if (engine.startsWith('Replicated')) return definition;
  const args = [`'${KEEPER_PATH}/${table}'`, `'{replica}'`, ...(given === '' ? [] : [given])];
  const after = found.index + whole.length;
  return `${definition.slice(0, found.index)}ENGINE = Replicated${engine}(${args.join(', ')})${withWindows(table, definition.slice(after))}`;
}

/**
 * With how many inserts are known again. A Replicated table knows them by default, by their content where they have no
 * token: so none are where the migration wants none, and as many as on one server where it does.
 */
function withWindows(table: string, tail: string): string {
  const [, own] = /\bnon_replicated_deduplication_window = (\d+)/.exec(tail) ?? [];
  const wanted = own ?? IN_ORDER.get(table);
  const windows =
    wanted === undefined
      ? ['replicated_deduplication_window = 0']
      : [
          `replicated_deduplication_window = ${wanted}`,
          `replicated_deduplication_window_seconds = ${WINDOW_SECONDS}`,
        ];
  const added = windows.filter((window) => !hasSetting(tail, window.split(' ')[0] ?? ''));
  if (added.length === 0) return tail;
  const list = added.join(', ');
  if (/\bSETTINGS /.test(tail)) return tail.replace(/\bSETTINGS /, `SETTINGS ${list}, `);
  const comment = /\s*\bCOMMENT '/.exec(tail);
  const at = comment?.index ?? tail.length;
  return `${tail.slice(0, at)}\nSETTINGS ${list}${tail.slice(at)}`;
}

function hasSetting(tail: string, name: string): boolean {
  return new RegExp(`(?<!\\w)${name} = `).test(tail);
}
