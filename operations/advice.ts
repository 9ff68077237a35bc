/** What an operator is to do about what `status` shows: a sentence for each thing that is wrong. Pure. */
import { SERVER_TITLES } from '../shared/server-titles.ts';
import type { Status } from './observe.ts';

export interface Seen {
  readonly status: Status;
  /** Milliseconds; null where nobody knows. */
  readonly oldestUnloadedMs: number | null;
  /** Somebody has paused the consumer of EVENTS. */
  readonly isPaused: boolean;
}

/** Later than an open session, which may keep an event to itself for a minute, and a load explain together. */
export const OLD_MS = 2 * 60_000;

/** What goes on without a server, and what stands still. */
const MEANWHILE = {
  nats: 'producers get no acknowledgements and have to try again',
  temporal: 'events wait in NATS',
  clickhouse: 'differences wait in NATS, numbers stand still',
  redis: 'sessions with a user wait before their first write',
};

/** @returns nothing where all is well */
export function adviceOf({ status, oldestUnloadedMs, isPaused }: Seen): readonly string[] {
  const { servers, events, differences, deadLettersByProject } = status;
  const { warnings = [], fullDimensions = [], quotas = [] } = status;
  const advice: string[] = [];
  for (const name of ['nats', 'temporal', 'clickhouse', 'redis'] as const) {
    const server = servers[name];
    if (server.reachable) continue;
    const remedy = server.fault ? server.error : `${SERVER_TITLES[name]} does not answer: start it`;
    advice.push(`${remedy}; until then ${MEANWHILE[name]}.`);
  }
  if (isPaused) {
    advice.push(
      'The consumer of EVENTS is paused: `nats consumer resume EVENTS`; until then events wait.',
    );
  }
  const isLate = oldestUnloadedMs !== null && oldestUnloadedMs > OLD_MS;
  if (isLate && advice.length === 0) {
    const waiting = (events.pending ?? 0) + (events.unacknowledged ?? 0);
    advice.push(
      waiting > 0
        ? 'Events wait for long: is an `ingest` running? Its log says what Temporal answers. With more to do than time, add processes.'
        : (differences.pending ?? 0) > 0
          ? 'Differences wait for long: is a `worker` running? `loader/0` in the Temporal UI shows the error under its pending activities; one that was terminated a worker starts again within a minute.'
          : 'Sessions wait for a `worker`: is one running, and are they enough?',
    );
  }
  advice.push(...warnings.map((warning) => `${warning}.`));
  for (const [project, count] of Object.entries(deadLettersByProject ?? {})) {
    advice.push(
      `${count} dead letters of ${project}: \`npx sojourn deadletters list --project ${project}\` shows the reasons; once the producer is right, replay them.`,
    );
  }
  for (const { project } of quotas.filter(({ isUsedUp }) => isUsedUp)) {
    advice.push(
      `${project} has had its quota of today (UTC), what comes waits as dead letters: raise it with \`npx sojourn project set ${project}\` and replay them, or replay them tomorrow.`,
    );
  }
  const [full] = fullDimensions;
  if (full !== undefined) {
    advice.push(
      `${full.dimension} of ${full.project} has too many values: an id in a campaign or a path, most likely; raise DIMENSION_VALUES_MAX if they are right.`,
    );
  }
  return advice;
}
