/** Answers of real servers to what `until-loaded.ts` asks. */
import { settingsAtStart } from '../platform/session-settings.ts';
import { isWorkflowGone } from '../platform/temporal.ts';
import { SESSION_WORKFLOW } from '../shared/ids.ts';
import { stateQuery } from '../workflows/messages.ts';
import type { Observer } from './observe.ts';
import type { Probe } from './until-loaded.ts';

/** More open sessions than this are not asked one by one. */
const SESSIONS_ASKED_MAX = 1_000;
const QUERY_PATIENCE_MS = 10_000;

/** @param checkpointMs by the environment of this command: ingest may have another, and sessions carry theirs */
export function createProbe(observer: Observer, checkpointMs: number | null): Probe {
  return {
    async lastEvent() {
      const { eventsLastSeq: seq, consumer } = await observer.streams();
      const waitsSince = await observer.oldestEventAt(consumer);
      return { seq, ...(waitsSince !== undefined && { waitsSince }) };
    },
    async isAcknowledged(seq) {
      const { consumer } = await observer.streams();
      if (consumer.ack_floor.stream_seq >= seq) return true;
      // The floor does not pass what expired or was purged before it was taken.
      return consumer.num_pending === 0 && consumer.num_ack_pending === 0;
    },
    async openSessions() {
      const { client } = await observer.temporal();
      const query = `WorkflowType = '${SESSION_WORKFLOW}' AND ExecutionStatus = 'Running'`;
      const ids: string[] = [];
      for await (const { workflowId } of client.workflow.list({ query, pageSize: 1_000 })) {
        if (ids.length >= SESSIONS_ASKED_MAX) return { ids, all: false };
        ids.push(workflowId);
      }
      return { ids, all: true };
    },
    recentSessions: (stored) => observer.recentSessions(stored),
    async checkpointMs(workflowIds) {
      const { client, connection } = await observer.temporal();
      const carried = workflowIds.map(async (workflowId) => {
        try {
          const settings = await connection.withDeadline(Date.now() + QUERY_PATIENCE_MS, () =>
            settingsAtStart(client, { workflowId }),
          );
          return settings.checkpointMs;
        } catch (error) {
          if (isWorkflowGone(error)) return null;
          throw error;
        }
      });
      const all = [checkpointMs, ...(await Promise.all(carried))];
      return Math.max(...all.map((ms) => ms ?? 0));
    },
    async session(workflowId) {
      const { client, connection } = await observer.temporal();
      try {
        return await connection.withDeadline(Date.now() + QUERY_PATIENCE_MS, () =>
          client.workflow.getHandle(workflowId).query(stateQuery),
        );
      } catch (error) {
        if (isWorkflowGone(error)) return undefined;
        throw error;
      }
    },
    async lastDifference() {
      return (await observer.streams()).rollups.state.last_seq;
    },
    async isLoaded(seq) {
      const { rollups } = await observer.streams();
      return (await observer.loadedUpTo(rollups)) >= seq;
    },
  };
}
