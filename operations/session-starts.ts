/**
 * When sessions began. Temporal knows the start of a run only, and a session that was reopened or went
 * on as a new run has several; its first event is in ClickHouse.
 */
import { connectClickHouse, select } from '../platform/clickhouse.ts';
import type { Config } from '../platform/config.ts';
import type { SessionRow } from './temporal-sessions.ts';

interface Start {
  readonly project: string;
  readonly id: string;
  readonly started: string;
}

const IDS_PER_QUERY = 500;

// A session id may come again after LATE_WINDOW: the latest one is what Temporal lists.
const STARTS = `
  SELECT project, session_id AS id,
    formatDateTime(max(started_at), '%Y-%m-%dT%H:%i:%S.%fZ', 'UTC') AS started
  FROM sojourn.sessions_current
  WHERE project IN {projects: Array(String)} AND session_id IN {ids: Array(String)}
  GROUP BY project, session_id`;

/** The rows with their sessions' first events, the newest first; unchanged where ClickHouse is not configured. */
export async function withFirstEvents(
  config: Config,
  rows: readonly SessionRow[],
): Promise<SessionRow[]> {
  const { CLICKHOUSE_URL } = config;
  if (CLICKHOUSE_URL === undefined || rows.length === 0) return [...rows];
  const starts = await readStarts({ ...config, CLICKHOUSE_URL }, rows);
  return rows
    .map((row) => ({ ...row, started: starts.get(keyOf(row)) ?? row.started }))
    .sort((a, b) => b.started.localeCompare(a.started));
}

const keyOf = ({ project, id }: { readonly project: string; readonly id: string }) =>
  `${project}/${id}`;

async function readStarts(
  config: Config & { readonly CLICKHOUSE_URL: string },
  rows: readonly SessionRow[],
): Promise<Map<string, string>> {
  const client = connectClickHouse(config, 'bi');
  const starts = new Map<string, string>();
  try {
    for (let at = 0; at < rows.length; at += IDS_PER_QUERY) {
      const some = rows.slice(at, at + IDS_PER_QUERY);
      const found = await select<Start>(client, STARTS, {
        projects: [...new Set(some.map(({ project }) => project))],
        ids: some.map(({ id }) => id),
      });
      for (const start of found) starts.set(keyOf(start), rfc3339(start.started));
    }
  } finally {
    await client.close();
  }
  return starts;
}

function rfc3339(time: string): string {
  return new Date(time).toISOString();
}
