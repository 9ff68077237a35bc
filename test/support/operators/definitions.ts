/** What operators do after an upgrade that changed a definition. */
import type { Client } from '@temporalio/client';
import type { SessionInput } from '../../../shared/actor.ts';
import { CATALOGUE_VERSION } from '../../../shared/catalogue.ts';
import {
  ROLLUP_PARTITIONS,
  SESSION_WORKFLOW,
  sessionWorkflowId,
  TASK_QUEUE,
} from '../../../shared/ids.ts';
import { eventually } from '../eventually.ts';
import { environmentOf, sojourn } from '../pipeline.ts';
import type { ReferenceEvent } from '../reference.ts';
import { aVisit, type Doing, PATIENCE, publishAll, withTemporal } from './doing.ts';

const IDS = ['open', 'closed', 'late'] as const;
const BEFORE_NOON = Date.UTC(2026, 2, 3, 11, 59, 59);

/** A heartbeat was an event by the first definitions, and is none by those of today. */
function aHeartbeat(project: string, sessionId: string): ReferenceEvent {
  return {
    ...{ project, sessionId, eventId: `${project}-${sessionId}-first`, eventType: 'heartbeat' },
    timestamp: BEFORE_NOON,
    userId: `user of ${sessionId}`,
    properties: { country: 'DE' },
  };
}

/** As an ingest of the first version did. */
async function begin(client: Client, first: ReferenceEvent): Promise<void> {
  const { project, sessionId, eventId: id, eventType: type } = first;
  const userId = `user of ${sessionId}`;
  const input: SessionInput = {
    version: 2,
    rides: { catalogue: 1 },
    partitions: ROLLUP_PARTITIONS,
    ...{ project, sessionId },
    settings: { idleTimeoutMs: 4_000, checkpointMs: 1_000, lateGraceMs: 1_000 },
    batch: {
      events: [{ id, type, at: BEFORE_NOON, seq: 1, userId, country: 'DE' }],
      ackFloor: 0,
      sentAt: Date.now(),
    },
  };
  await client.workflow.start(SESSION_WORKFLOW, {
    workflowId: sessionWorkflowId(project, sessionId),
    taskQueue: TASK_QUEUE,
    args: [input],
  });
}

/** Sessions that began before an upgrade, open and closed, while events come to them. */
export async function restate(doing: Doing): Promise<void> {
  const { world } = doing;
  const beside = `${doing.project}-restate`;
  const first = IDS.map((id) => aHeartbeat(beside, id));
  const before = [...aVisit(beside, 'open'), ...aVisit(beside, 'closed', { ends: true })];
  const after = IDS.flatMap((id) => aVisit(beside, id, { from: 20, ends: true }));
  doing.expectBeside(beside, [...first, ...before, ...after]);
  await withTemporal(doing, async (client) => {
    for (const one of first) await begin(client, one);
  });
  await publishAll(doing, before);
  await Promise.all([untilRestated(), publishAll(doing, after)]);

  /** By a patient operator: again until the tables show none of before. */
  async function untilRestated(): Promise<void> {
    const words = ['restate', '--from', '2026-03-01', '--project', beside, '--json'];
    await eventually(async () => {
      const { code, stderr } = await sojourn(words, environmentOf(world.servers));
      if (code !== 0) throw new Error(`restate ended with ${String(code)}: ${stderr}`);
      const rows = await world.around.select<{ session_id: string; catalogue: number }>(
        `SELECT session_id, catalogue FROM sojourn.sessions FINAL WHERE project = '${beside}'`,
      );
      const done = rows.filter(({ catalogue }) => catalogue === CATALOGUE_VERSION);
      if (done.length < IDS.length) throw new Error(`only ${done.length} are restated`);
    }, PATIENCE);
  }
}
