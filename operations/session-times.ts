/**
 * When visitors came, and what they did. Temporal knows the start of a run only, and a session that was reopened or went
 * on as a new run has several; its events are in ClickHouse, as of its last write.
 */
import { connectClickHouse, select } from '../platform/clickhouse.ts';
import type { Config } from '../platform/config.ts';
import type { SessionRow } from './temporal-sessions.ts';

export interface SessionTimes {
  /** The rows with what ClickHouse knows of their sessions; as they are where it is not configured. */
  add(rows: readonly SessionRow[]): Promise<readonly SessionRow[]>;
  close(): Promise<void>;
}

interface Found {
  readonly project: string;
  readonly id: string;
  readonly started: string;
  readonly lastEvent: string;
  readonly pageViews: number;
  readonly events: number;
}

const IDS_PER_QUERY = 500;

// A session id may come again after LATE_WINDOW: the latest one is what Temporal lists.
const TIMES = `
  SELECT project, id, times.1 AS started, times.2 AS lastEvent, times.3 AS pageViews, times.4 AS events
  FROM
  (
    SELECT project, session_id AS id, argMax(tuple(
      formatDateTime(started_at, '%Y-%m-%dT%H:%i:%S.%fZ', 'UTC'),
      formatDateTime(last_event_at, '%Y-%m-%dT%H:%i:%S.%fZ', 'UTC'),
      toUInt32(page_views), toUInt32(events)), started_at) AS times
    FROM sojourn.sessions_current
    WHERE project IN {projects: Array(String)} AND session_id IN {ids: Array(String)}
    GROUP BY project, session_id
  )`;

export function createSessionTimes(config: Config): SessionTimes {
  const { CLICKHOUSE_URL } = config;
  if (CLICKHOUSE_URL === undefined) {
    return { add: (rows) => Promise.resolve(rows), close: () => Promise.resolve() };
  }
  const client = connectClickHouse({ ...config, CLICKHOUSE_URL }, 'bi');
  return {
    async add(rows) {
      const found = new Map<string, Found>();
      for (let at = 0; at < rows.length; at += IDS_PER_QUERY) {
        const some = rows.slice(at, at + IDS_PER_QUERY);
        const lines = await select<Found>(client, TIMES, {
          projects: [...new Set(some.map(({ project }) => project))],
          ids: some.map(({ id }) => id),
        });
        for (const line of lines) found.set(keyOf(line), line);
      }
      return rows.map((row) => {
        const times = found.get(keyOf(row));
        if (times === undefined) return row;
        const { pageViews, events } = times;
        const started = rfc3339(times.started);
        return { ...row, started, lastEvent: rfc3339(times.lastEvent), pageViews, events };
      });
    },
    close: () => client.close(),
  };
}

const keyOf = ({ project, id }: { readonly project: string; readonly id: string }) =>
  `${project}/${id}`;

function rfc3339(time: string): string {
  return new Date(time).toISOString();
}
