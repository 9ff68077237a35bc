/**
 * What the writer may do, on every kind of server: insert into what processes insert into as the writer, by name, and see
 * whether the views behind its inboxes are there. What is not in the list it can neither fill nor see: not the tables behind
 * the inboxes, past their fences, nor what the admin alone writes (`forgetting`, `forgotten`, `kept_from`, `zones`).
 */
import type { ClickHouseClient } from '@clickhouse/client';
import { DATABASE, INTAKES, isAccessDenied, select } from './clickhouse.ts';
import type { Logger } from './log.ts';

/** An insert into another table does not compile: see `TableWriter`. */
export const WRITER_TABLES = [
  // Loads of the rollup log, in bulk, and of imports.
  ...(['metrics_inbox', 'sessions', 'loaded_ranges', 'full_dimensions_inbox'] as const),
  // Imports alone.
  ...(['imports', 'import_sessions_inbox', 'import_rows_inbox', 'sessions_inbox'] as const),
  // `project set`.
  'projects',
] as const;

export type WriterTable = (typeof WRITER_TABLES)[number];

/** What is granted, without whom it is for. */
export function writerGrants(): readonly string[] {
  return [
    ...WRITER_TABLES.map((table) => `INSERT ON ${DATABASE}.${table}`),
    // Asked after an insert that went nowhere (table-writer.ts). A view passes rows on as whoever made it, not as the writer.
    ...Array.from(INTAKES.values(), (view) => `SHOW TABLES ON ${view}`),
  ];
}

/** What earlier versions granted, without whom it is for. */
export const WIDE_WRITER_GRANT = `INSERT ON ${DATABASE}.*`;

/** Left alone: a right that an operator gave on all databases, and one to hand on, as an admin has. */
const WIDE = `SELECT count() > 0 AS has FROM system.grants
  WHERE user_name = {user: String} AND access_type = 'INSERT' AND database = {database: String}
    AND table IS NULL AND column IS NULL AND NOT is_partial_revoke AND NOT grant_option`;

/**
 * Whether the writer still has what earlier versions granted: to be asked before it is taken, since ClickHouse takes the
 * rights on single tables along with it. @throws SojournError `SJ_SERVER_UNREACHABLE`
 */
export async function hasWideGrant(
  admin: ClickHouseClient,
  user: string,
  log: Logger,
): Promise<boolean> {
  try {
    const [row] = await select<{ has: number }>(admin, WIDE, { user, database: DATABASE });
    return row?.has === 1;
  } catch (error) {
    if (!isAccessDenied(error)) throw error;
    log.warn(
      { user },
      `not known whether the writer may insert into every table, as earlier versions had it: the admin may not look at users (SHOW ACCESS). If so, REVOKE ${WIDE_WRITER_GRANT} from it and run migrate again`,
    );
    return false;
  }
}
