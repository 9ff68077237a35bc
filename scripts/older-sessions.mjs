// Sessions as an ingest of a version before has begun them, for the walk through: by definitions that are no longer the
// latest, so that there is something to restate.
import { Client, Connection } from '@temporalio/client';
import { register } from 'tsx/esm/api';

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

register();
const { KNOWS_BOTS } = await import('../shared/catalogue.ts');
const { ROLLUP_PARTITIONS, SESSION_WORKFLOW, sessionWorkflowId, TASK_QUEUE } =
  await import('../shared/ids.ts');
const { searchAttributePairs } = await import('../workflows/search-attribute-pairs.ts');

/** To these heartbeats were events like any others. */
const CATALOGUE = KNOWS_BOTS - 1;

/** @param count of sessions: three pages each, a heartbeat after each page; every third one has ended */
export async function beginOlderSessions(address, project, count) {
  const connection = await Connection.connect({ address });
  try {
    const client = new Client({ connection });
    for (let index = 0; index < count; index += 1) {
      const sessionId = `old-${String(index + 1).padStart(2, '0')}`;
      await client.workflow.start(SESSION_WORKFLOW, {
        workflowId: sessionWorkflowId(project, sessionId),
        taskQueue: TASK_QUEUE,
        args: [inputOf(project, sessionId, eventsOf(sessionId, index % 3 === 0))],
        typedSearchAttributes: searchAttributePairs({ SojournProject: project }),
      });
    }
  } finally {
    await connection.close();
  }
}

function inputOf(project, sessionId, events) {
  return {
    version: 2,
    rides: { catalogue: CATALOGUE },
    partitions: ROLLUP_PARTITIONS,
    ...{ project, sessionId },
    settings: {
      idleTimeoutMs: 30 * MINUTE_MS,
      checkpointMs: SECOND_MS,
      lateGraceMs: 10 * SECOND_MS,
      showsItsEnd: true,
    },
    batch: { events, ackFloor: 0, sentAt: Date.now() },
    visitorsSince: Date.now() - 60 * MINUTE_MS,
  };
}

function eventsOf(sessionId, hasEnded) {
  const began = Date.now() - 10 * MINUTE_MS;
  const pages = ['/', '/roses', '/roses/white'];
  const types = [...pages.flatMap(() => ['pageview', 'heartbeat']), hasEnded && 'session_end'];
  return types
    .filter((type) => type !== false)
    .map((type, n) => ({
      id: `${sessionId}-${n}`,
      type,
      at: began + n * 15 * SECOND_MS,
      seq: n + 1,
      path: pages[Math.min(Math.floor(n / 2), 2)],
      ...{ trafficSource: 'google', country: 'DE', deviceType: 'mobile' },
    }));
}
