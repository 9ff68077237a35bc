/** The users that `migrate` makes in ClickHouse, and what each may. Where users live in the server's files there is nothing to make. */
import { createHash } from 'node:crypto';
import type { ClickHouseClient } from '@clickhouse/client';
import { isUsersInFiles } from './analyst-users.ts';
import { DATABASE } from './clickhouse.ts';
import type { Config } from './config.ts';
import type { Logger } from './log.ts';
import { readerGrants, readerRevokes } from './reader-rights.ts';

/** For `status`, as the BI user, where a server lets nobody read these unasked. */
const CLUSTER_GRANTS = ['SELECT ON system.clusters', 'SELECT ON system.replicas'];

/** What models are made with, by dbt and the like, in a database of their own. */
export const MARTS_DATABASE = 'sojourn_marts';
const MARTS_RIGHTS =
  'SELECT, INSERT, ALTER, CREATE TABLE, CREATE VIEW, DROP TABLE, DROP VIEW, TRUNCATE, OPTIMIZE, SHOW';

/**
 * The writer, who may only insert, the analysts' user, who may only read, and the one for models, who reads all and
 * writes in a database of its own. Where no password is given the user is left alone.
 */
export async function createUsers(
  client: ClickHouseClient,
  config: Config,
  log: Logger,
): Promise<void> {
  const users = [
    {
      name: config.CLICKHOUSE_WRITER_USER,
      password: config.CLICKHOUSE_WRITER_PASSWORD,
      settings: '',
      grants: [`INSERT ON ${DATABASE}.*`],
      revokes: [],
    },
    {
      name: config.CLICKHOUSE_BI_USER,
      password: config.CLICKHOUSE_BI_PASSWORD,
      settings: ' SETTINGS readonly = 2',
      grants: [
        ...readerGrants(`${DATABASE}.*`),
        'SELECT ON information_schema.*',
        ...(config.CLICKHOUSE_CLUSTER === undefined ? [] : CLUSTER_GRANTS),
      ],
      revokes: readerRevokes(),
    },
    {
      name: config.CLICKHOUSE_MARTS_USER,
      password: config.CLICKHOUSE_MARTS_PASSWORD,
      settings: '',
      grants: [
        ...readerGrants(`${DATABASE}.*`),
        'SELECT ON information_schema.*',
        'SELECT ON system.*',
        `${MARTS_RIGHTS} ON ${MARTS_DATABASE}.*`,
      ],
      revokes: readerRevokes(),
    },
  ];
  for (const { name, password, ...rights } of users) {
    if (password === undefined) continue;
    try {
      for (const query of statementsFor({ name, password, ...rights })) {
        await client.command({ query });
      }
    } catch (error) {
      if (!isUsersInFiles(error)) throw error;
      log.debug({ user: name }, 'users come from the server configuration');
      return;
    }
  }
}

interface ProductUser {
  readonly name: string;
  readonly password: string;
  /** Behind the rest of what makes the user. */
  readonly settings: string;
  readonly grants: readonly string[];
  readonly revokes: readonly string[];
}

/**
 * What makes the user, or gives one that is there the password and what may be missing of its rights. Nothing is taken
 * from it first: others work with it meanwhile, and an operator may have given it a profile, quotas or rights.
 */
function statementsFor({
  name,
  password,
  settings,
  grants,
  revokes,
}: ProductUser): readonly string[] {
  const user = `\`${name.replace(/[`\\]/g, '\\$&')}\``;
  const hash = createHash('sha256').update(password).digest('hex');
  const identified = `IDENTIFIED WITH sha256_hash BY '${hash}'`;
  return [
    `CREATE USER IF NOT EXISTS ${user} ${identified}${settings}`,
    `ALTER USER ${user} ${identified}`,
    `GRANT ${grants.join(', ')} TO ${user}`,
    ...(revokes.length > 0 ? [`REVOKE ${revokes.join(', ')} FROM ${user}`] : []),
  ];
}
