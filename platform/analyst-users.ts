/**
 * Analysts of one project on a ClickHouse whose users are made by SQL. What restricts a user is there before what lets it
 * read: whenever this is broken off, the user sees nothing rather than too much. All of it may be run again.
 */
import { type ClickHouseClient, ClickHouseError } from '@clickhouse/client';
import { SojournError } from '../shared/errors.ts';
import {
  ANALYST_PREFIX,
  analystGrants,
  analystUser,
  PROJECT_TABLES,
  projectCondition,
  projectOfCondition,
} from './analyst-rights.ts';
import { DATABASE, isAccessDenied, select } from './clickhouse.ts';
import type { Logger } from './log.ts';
import { hasEarlierLimits, readerSettings, type ServerSize, serverSize } from './reader-limits.ts';
import { reasonOf } from './unreachable.ts';

export interface Analyst {
  /** Without {@link ANALYST_PREFIX}. */
  readonly name: string;
  readonly project: string;
}

export interface NewAnalyst extends Analyst {
  /** SHA-256, in hex. */
  readonly passwordHash: string;
}

/** Error codes of a server whose users live in files. */
export const NO_SQL_USERS: ReadonlySet<string> = new Set(['514', '495']);

/** Whether the server's users are in its files, so that SQL makes none. */
export function isUsersInFiles(error: unknown): boolean {
  return error instanceof ClickHouseError && NO_SQL_USERS.has(error.code);
}

/** What makes the user, with the limits of the BI user, or gives one that is there a new password. */
export function userStatements(
  { name, passwordHash }: NewAnalyst,
  size: ServerSize = {},
): readonly string[] {
  const user = quoted(name);
  const identified = `IDENTIFIED WITH sha256_hash BY '${passwordHash}'`;
  const settings = `SETTINGS ${readerSettings(size)}`;
  return [
    `CREATE USER IF NOT EXISTS ${user} ${identified} ${settings}`,
    `ALTER USER ${user} ${identified} ${settings}`,
  ];
}

/**
 * What lets a user that is there read one project. Two policies a table: the permissive one is what a server asks for on
 * which users without a policy see nothing, the restrictive one holds whatever else somebody permits.
 */
export function rightsStatements(
  { name, project }: Analyst,
  database: string = DATABASE,
): readonly string[] {
  const user = quoted(name);
  const policies = PROJECT_TABLES.flatMap((table) =>
    POLICY_KINDS.map(
      (kind) =>
        `CREATE ROW POLICY OR REPLACE ${policyOf(name, kind)} ON ${database}.${table}
         AS ${kind} FOR SELECT USING ${projectCondition(project)} TO ${user}`,
    ),
  );
  return [
    ...policies,
    `GRANT ${analystGrants(database).join(', ')} TO ${user} WITH REPLACE OPTION`,
  ];
}

/** Rights go before what restricts them. */
export function removalStatements(name: string, database: string = DATABASE): readonly string[] {
  return [
    `DROP USER IF EXISTS ${quoted(name)}`,
    ...PROJECT_TABLES.flatMap((table) =>
      POLICY_KINDS.map(
        (kind) => `DROP ROW POLICY IF EXISTS ${policyOf(name, kind)} ON ${database}.${table}`,
      ),
    ),
  ];
}

const POLICY_KINDS = ['RESTRICTIVE', 'PERMISSIVE'] as const;

/** No name of an analyst has a dot in it, so none of these is that of another one's. */
function policyOf(name: string, kind: (typeof POLICY_KINDS)[number]): string {
  return `\`${analystUser(name)}${kind === 'PERMISSIVE' ? '.permits' : ''}\``;
}

function quoted(name: string): string {
  return `\`${analystUser(name)}\``;
}

/**
 * Makes an analyst, or gives the one that is there a new password.
 * @throws SojournError `SJ_USAGE` where the name is that of another project's analyst; `SJ_CONFIG` where others would
 * see nothing any more; `SJ_SERVER_UNREACHABLE`. ClickHouseError where users live in files: see {@link isUsersInFiles}
 */
export async function createAnalyst(client: ClickHouseClient, analyst: NewAnalyst): Promise<void> {
  const known = await listSqlAnalysts(client);
  assertSameProject(known, analyst);
  for (const query of userStatements(analyst, await serverSize(client))) {
    await client.command({ query });
  }
  if (await isSightLost(client, analyst)) {
    await removeSqlAnalyst(client, analyst.name);
    throw new SojournError(
      'SJ_CONFIG',
      'this ClickHouse shows users without a row policy nothing of a table that has one (users_without_row_policies_can_read_rows is false), so all others would see no rows any more: nothing was changed; set it to true, or give each of your users a row policy of its own first',
    );
  }
  await giveRights(client, analyst);
}

/** One whose making was broken off is nobody's yet. @throws SojournError `SJ_USAGE` */
export function assertSameProject(known: readonly Analyst[], { name, project }: Analyst): void {
  const other = known.find(
    (one) => one.name === name && one.project !== '' && one.project !== project,
  );
  if (other === undefined) return;
  throw new SojournError(
    'SJ_USAGE',
    `${analystUser(name)} is an analyst of project ${other.project}; remove it there first, or choose another --name`,
  );
}

/** One for each, so that two who are made at once do not take it from each other. */
function probeOf(name: string): string {
  return `${DATABASE}.\`analyst_probe_${name}\``;
}

/**
 * Whether a policy for the new user takes the rows of a table from us, who have none: tried on a table that nobody needs,
 * before it is done to those that everybody reads.
 */
async function isSightLost(client: ClickHouseClient, { name }: Analyst): Promise<boolean> {
  const probe = probeOf(name);
  const policy = `${quoted(name)} ON ${probe}`;
  await client.command({
    query: `CREATE TABLE IF NOT EXISTS ${probe} (project String) ENGINE = MergeTree ORDER BY project COMMENT 'For a moment: whether policies of others hide rows'`,
  });
  try {
    await client.command({ query: `INSERT INTO ${probe} VALUES ('probe')` });
    await client.command({
      query: `CREATE ROW POLICY OR REPLACE ${policy} USING project = '' TO ${quoted(name)}`,
    });
    const [row] = await select<{ seen: number }>(
      client,
      `SELECT count() > 0 AS seen FROM ${probe}`,
    );
    return Number(row?.seen) !== 1;
  } finally {
    await client.command({ query: `DROP ROW POLICY IF EXISTS ${policy}` });
    await client.command({ query: `DROP TABLE IF EXISTS ${probe} SYNC` });
  }
}

async function giveRights(client: ClickHouseClient, analyst: Analyst): Promise<void> {
  for (const query of rightsStatements(analyst)) await client.command({ query });
}

/** Safe to run again. @throws what the client throws */
export async function removeSqlAnalyst(client: ClickHouseClient, name: string): Promise<void> {
  for (const query of removalStatements(name)) await client.command({ query });
}

/** By name. One whose making was broken off before it could see anything has no project. @throws SojournError `SJ_SERVER_UNREACHABLE` */
export async function listSqlAnalysts(client: ClickHouseClient): Promise<readonly Analyst[]> {
  const rows = await select<{ name: string; condition: string }>(
    client,
    `SELECT u.name AS name, any(p.condition) AS condition
     FROM system.users AS u
     LEFT JOIN (
       SELECT short_name, any(assumeNotNull(select_filter)) AS condition FROM system.row_policies
       WHERE database = {database: String} AND select_filter IS NOT NULL GROUP BY short_name
     ) AS p ON p.short_name = u.name
     WHERE startsWith(u.name, {prefix: String}) AND u.storage NOT LIKE 'users%xml'
     GROUP BY name ORDER BY name`,
    { database: DATABASE, prefix: ANALYST_PREFIX },
  );
  return rows.map(({ name, condition }) => ({
    name: name.slice(ANALYST_PREFIX.length),
    project: projectOfCondition(condition) ?? '',
  }));
}

/**
 * Gives all analysts what this version lets them see, and its limits to those who have earlier ones. An admin who may not
 * look at users has made none.
 * @throws SojournError `SJ_MIGRATION`, `SJ_SERVER_UNREACHABLE`
 */
export async function renewAnalysts(client: ClickHouseClient, log: Logger): Promise<void> {
  const analysts = await listSqlAnalysts(client).catch((error: unknown): readonly Analyst[] => {
    if (isAccessDenied(error)) return [];
    throw error;
  });
  if (analysts.length === 0) return;
  const settings = readerSettings(await serverSize(client));
  for (const analyst of analysts) {
    if (analyst.project === '') continue;
    try {
      if (await hasEarlierLimits(client, analystUser(analyst.name), log)) {
        const query = `ALTER USER ${quoted(analyst.name)} SETTINGS ${settings}`;
        await client.command({ query });
      }
      await giveRights(client, analyst);
    } catch (error) {
      throw new SojournError(
        'SJ_MIGRATION',
        `the rights of ${analystUser(analyst.name)} could not be brought up to date: ${reasonOf(error)}`,
        { cause: error },
      );
    }
  }
}
