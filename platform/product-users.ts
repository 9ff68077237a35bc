/** The users that `migrate` makes in ClickHouse, and what each may. Where users live in the server's files there is nothing to make. */
import { createHash } from 'node:crypto';
import type { ClickHouseClient } from '@clickhouse/client';
import { isUsersInFiles } from './analyst-users.ts';
import { DATABASE } from './clickhouse.ts';
import type { Config } from './config.ts';
import type { Logger } from './log.ts';
import { quotedName } from './quoted-name.ts';
import { hasEarlierLimits, readerSettings, serverSize } from './reader-limits.ts';
import { readerGrants, readerRevokes } from './reader-rights.ts';
import { hasWideGrant, WIDE_WRITER_GRANT, writerGrants } from './writer-rights.ts';

/** For `status`, as the BI user, where a server lets nobody read these unasked. */
const CLUSTER_GRANTS = ['SELECT ON system.clusters', 'SELECT ON system.replicas'];

/** What models are made with, by dbt and the like, in a database of their own. */
export const MARTS_DATABASE = 'sojourn_marts';
const MARTS_RIGHTS =
  'SELECT, INSERT, ALTER, CREATE TABLE, CREATE VIEW, DROP TABLE, DROP VIEW, TRUNCATE, OPTIMIZE, SHOW';

/**
 * The writer, who may only insert, and where it has to; the analysts' user, who may only read; and the one for models, who
 * reads all and writes in a database of its own. Where no password is given the user is left alone.
 */
export async function createUsers(
  client: ClickHouseClient,
  config: Config,
  log: Logger,
): Promise<void> {
  const readersSettings = readerSettings(await serverSize(client));
  const users = [
    {
      name: config.CLICKHOUSE_WRITER_USER,
      password: config.CLICKHOUSE_WRITER_PASSWORD,
      settings: '',
      grants: writerGrants(),
      revokes: [],
    },
    {
      name: config.CLICKHOUSE_BI_USER,
      password: config.CLICKHOUSE_BI_PASSWORD,
      settings: ` SETTINGS ${readersSettings}`,
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
    const user = { name, password, ...rights };
    try {
      for (const query of userStatements(user)) await client.command({ query });
      // Whoever has one user for both would have the admin take its own rights.
      if (name === config.CLICKHOUSE_WRITER_USER && name !== config.CLICKHOUSE_ADMIN_USER) {
        await takeWideGrant(client, name, log);
      }
      if (name === config.CLICKHOUSE_BI_USER && (await hasEarlierLimits(client, name, log))) {
        await client.command({
          query: `ALTER USER ${quotedName(name)} SETTINGS ${readersSettings}`,
        });
      }
      for (const query of rightsStatements(user)) await client.command({ query });
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
 * What makes the user, or gives one that is there the password. Nothing is taken from it first: others work with it
 * meanwhile, and an operator may have given it a profile, quotas or rights.
 */
function userStatements({ name, password, settings }: ProductUser): readonly string[] {
  const hash = createHash('sha256').update(password).digest('hex');
  const identified = `IDENTIFIED WITH sha256_hash BY '${hash}'`;
  return [
    `CREATE USER IF NOT EXISTS ${quotedName(name)} ${identified}${settings}`,
    `ALTER USER ${quotedName(name)} ${identified}`,
  ];
}

/** What may be missing of its rights, and what it is not to have of them. */
function rightsStatements({ name, grants, revokes }: ProductUser): readonly string[] {
  return [
    `GRANT ${grants.join(', ')} TO ${quotedName(name)}`,
    ...(revokes.length > 0 ? [`REVOKE ${revokes.join(', ')} FROM ${quotedName(name)}`] : []),
  ];
}

/**
 * Once after an upgrade. ClickHouse takes rights on tables along with the one on their database, so they are granted after
 * it, not before. What a worker inserts between the two statements is refused and tried again, as where ClickHouse is away;
 * where this is broken off between them, the next `migrate` grants what is missing.
 */
async function takeWideGrant(client: ClickHouseClient, writer: string, log: Logger): Promise<void> {
  if (!(await hasWideGrant(client, writer, log))) return;
  await client.command({ query: `REVOKE ${WIDE_WRITER_GRANT} FROM ${quotedName(writer)}` });
  log.info({ user: writer }, 'the writer may no longer insert into every table');
}
