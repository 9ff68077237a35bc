/** What operators do to sessions in Temporal: by hand, in the UI, by a script. */
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import {
  ROLLUPS_STREAM,
  SESSION_WORKFLOW,
  sessionWorkflowId,
  parseSessionWorkflowId,
} from '../../../shared/ids.ts';
import { eventually } from '../eventually.ts';
import { pick, shuffled } from '../random.ts';
import type { ReferenceEvent } from '../reference.ts';
import { TEST_NAMESPACE } from '../servers.ts';
import { environmentOf, sojourn } from '../pipeline.ts';
import { aVisit, type Doing, PATIENCE, publishAll, untilRows, withTemporal } from './doing.ts';

const VICTIMS_MAX = 6;
/** A command line each, twice. */
const TURNED_MAX = 3;

/** What comes of `events` when somebody signals it by hand, and of names that nobody listens to. */
const STRAY: readonly (readonly [name: string, payload: unknown])[] = [
  ['events', { oops: 1 }],
  ['events', null],
  ['events', 'page view'],
  ['events', []],
  ['events', { groups: [{ all: {}, events: [{}] }], ackFloor: 0 }],
  ['events', { groups: [null], ackFloor: 0 }],
  ['events', { events: [null], ackFloor: 0 }],
  ['event', { oops: 1 }],
  ['events ', null],
  ['__temporal', 7],
];

/** Temporal's word that there is nothing (any more) to do it to. */
async function unlessGone(what: Promise<unknown>): Promise<boolean> {
  try {
    await what;
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

async function sessionsOf(
  client: Client,
  { project, random }: Doing,
  status: string,
): Promise<string[]> {
  const query = `WorkflowType = '${SESSION_WORKFLOW}' AND SojournProject = '${project}'${status}`;
  const found = new Set<string>();
  for await (const { workflowId } of client.workflow.list({ query })) found.add(workflowId);
  return shuffled(random, [...found]).slice(0, VICTIMS_MAX);
}

const RUNNING = ` AND ExecutionStatus = 'Running'`;

/** What a terminated session owed comes with its next event: each gets one more. */
export async function terminate(doing: Doing): Promise<void> {
  const terminated = await withTemporal(doing, async (client) => {
    const ids: string[] = [];
    for (const id of await sessionsOf(client, doing, RUNNING)) {
      const handle = client.workflow.getHandle(id);
      if (await unlessGone(handle.terminate('a fault test'))) ids.push(id);
    }
    return ids;
  });
  doing.note(`terminated ${terminated.length}`);
  for (const id of terminated) {
    const sessionId = parseSessionWorkflowId(id)?.sessionId ?? '';
    const event = aNextEvent(doing.project, sessionId);
    doing.expectEvent(event);
    await publishAll(doing, [event]);
  }
}

/**
 * Sessions that nobody has taken up yet, or just so: Temporal answers no question about them, only their history tells
 * what they were given.
 */
export async function terminateFresh(doing: Doing): Promise<void> {
  const beside = `${doing.project}-fresh`;
  const ids = Array.from({ length: VICTIMS_MAX }, (_, n) => `s${n}`);
  const all = ids.flatMap((id) => [
    ...aVisit(beside, id, { views: 1 }),
    ...aVisit(beside, id, { from: 10, ends: true }),
  ]);
  doing.expectBeside(beside, all);
  const unseen = await withTemporal(doing, (client) =>
    Promise.all(
      ids.map(async (id) => {
        await publishAll(doing, aVisit(beside, id, { views: 1 }));
        return terminateAtOnce(client, sessionWorkflowId(beside, id));
      }),
    ),
  );
  doing.note(`terminated ${unseen.filter(Boolean).length} before their first task was done`);
  for (const id of ids) await publishAll(doing, aVisit(beside, id, { from: 10, ends: true }));
}

/** @returns whether it had not done its first task yet */
async function terminateAtOnce(client: Client, workflowId: string): Promise<boolean> {
  const handle = client.workflow.getHandle(workflowId);
  await eventually(
    async () => {
      if (!(await unlessGone(handle.terminate('a fault test')))) {
        throw new Error(`${workflowId} has not begun`);
      }
    },
    { ...PATIENCE, everyMs: 2 },
  );
  const { events } = await handle.fetchHistory();
  return events?.every(({ workflowTaskCompletedEventAttributes: done }) => done == null) ?? false;
}

/** Within a day of the round's own events, so that nothing else about the session changes. */
function aNextEvent(project: string, sessionId: string): ReferenceEvent {
  return {
    project,
    sessionId,
    eventId: `${project}-${sessionId}-next`,
    eventType: 'click',
    timestamp: Date.UTC(2026, 2, 1, 0, 30),
  };
}

export async function cancel(doing: Doing): Promise<void> {
  await withTemporal(doing, async (client) => {
    for (const id of await sessionsOf(client, doing, RUNNING)) {
      await unlessGone(client.workflow.getHandle(id).cancel());
    }
  });
}

export async function straySignals(doing: Doing): Promise<void> {
  await withTemporal(doing, async (client) => {
    for (const id of await sessionsOf(client, doing, RUNNING)) {
      const [name, payload] = pick(doing.random, STRAY);
      await unlessGone(client.workflow.getHandle(id).signal(name, payload));
    }
  });
  // Each of them, whatever the draw above was.
  const beside = `${doing.project}-stray`;
  const visits = STRAY.map((_, n) => aVisit(beside, `s${n}`));
  for (const visit of visits) await publishAll(doing, visit);
  await untilRows(doing, beside, visits.flat());
  await withTemporal(doing, async (client) => {
    for (const [n, [name, payload]] of STRAY.entries()) {
      const id = sessionWorkflowId(beside, `s${n}`);
      await unlessGone(client.workflow.getHandle(id).signal(name, payload));
    }
  });
  const more = STRAY.map((_, n) => aVisit(beside, `s${n}`, { from: 10, ends: true })).flat();
  doing.expectBeside(beside, [...visits.flat(), ...more]);
  await publishAll(doing, more);
}

/** A reset to the first task, as the button in the UI does it. */
export async function resetRun(client: Client, workflowId: string, runId: string): Promise<void> {
  const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
  const first = events?.find(({ workflowTaskCompletedEventAttributes: done }) => done != null);
  // Nothing has happened yet that could be reset.
  if (first?.eventId == null) return;
  await client.workflowService.resetWorkflowExecution({
    namespace: TEST_NAMESPACE,
    workflowExecution: { workflowId, runId },
    reason: 'a fault test',
    workflowTaskFinishEventId: first.eventId,
    requestId: crypto.randomUUID(),
  });
}

/** Sessions of the round, as they are: just begun, in the middle, closed or reopened. */
export async function reset(doing: Doing): Promise<void> {
  await withTemporal(doing, async (client) => {
    for (const id of await sessionsOf(client, doing, '')) {
      const { runId } = await client.workflow.getHandle(id).describe();
      await resetRun(client, id, runId);
    }
  });
}

/**
 * Sessions whose records have been purged since, as the loader purges them ten minutes after they closed: nothing in
 * the log says any more what has been written.
 */
export async function resetLate(doing: Doing): Promise<void> {
  const beside = `${doing.project}-reset-late`;
  const visit = ['a', 'b', 'c'].flatMap((id) => aVisit(beside, id, { ends: true }));
  doing.expectBeside(beside, visit);
  await publishAll(doing, visit);
  await untilRows(doing, beside, visit);
  await purgeRecords(doing, beside);
  await withTemporal(doing, async (client) => {
    for (const id of ['a', 'b', 'c']) {
      const workflowId = sessionWorkflowId(beside, id);
      await untilClosed(client, workflowId);
      const { runId } = await client.workflow.getHandle(workflowId).describe();
      await resetRun(client, workflowId, runId);
    }
    for (const id of ['a', 'b', 'c']) await untilClosed(client, sessionWorkflowId(beside, id));
  });
}

async function untilClosed(client: Client, workflowId: string): Promise<void> {
  await eventually(async () => {
    const { status } = await client.workflow.getHandle(workflowId).describe();
    if (status.name === 'RUNNING') throw new Error(`${workflowId} still runs`);
  }, PATIENCE);
}

async function purgeRecords({ world }: Doing, project: string): Promise<void> {
  const runs = await world.around.select<{ first_run_id: string }>(
    `SELECT DISTINCT first_run_id FROM sojourn.sessions WHERE project = '${project}'`,
  );
  for (const { first_run_id: run } of runs) {
    await world.jsm.streams.purge(ROLLUPS_STREAM, { filter: `rollups.*.${run}.*` });
  }
}

/** The first run of a session that late events have reopened since: the reset ends the newer one's place. */
export async function resetOlderRun(doing: Doing): Promise<void> {
  const beside = `${doing.project}-reset-older`;
  const first = aVisit(beside, 'a', { ends: true });
  const late = aVisit(beside, 'a', { from: 10 });
  const last = aVisit(beside, 'a', { from: 20 });
  const workflowId = sessionWorkflowId(beside, 'a');
  doing.expectBeside(beside, [...first, ...late, ...last]);
  await publishAll(doing, first);
  await withTemporal(doing, async (client) => {
    const older = await eventually(
      () => client.workflow.getHandle(workflowId).describe(),
      PATIENCE,
    );
    await untilClosed(client, workflowId);
    await publishAll(doing, late);
    await untilRows(doing, beside, [...first, ...late]);
    await untilClosed(client, workflowId);
    await resetRun(client, workflowId, older.runId);
    await untilClosed(client, workflowId);
  });
  await publishAll(doing, last);
}

/** `sojourn session exclude` or `include`, by a patient operator: again until it says that it is so. */
async function turn(
  { world }: Pick<Doing, 'world'>,
  project: string,
  word: 'exclude' | 'include',
  sessionId: string,
): Promise<void> {
  await eventually(async () => {
    const command = ['session', word, sessionId, '--project', project];
    const { code, stderr } = await sojourn(command, environmentOf(world.servers));
    if (code !== 0) throw new Error(`${word} ${sessionId} ended with ${String(code)}: ${stderr}`);
  }, PATIENCE);
}

/** Sessions out of the numbers, open and closed, one of them back again; events come to each before and after. */
export async function exclude(doing: Doing): Promise<void> {
  const beside = `${doing.project}-exclude`;
  const before = [
    ...aVisit(beside, 'open'),
    ...aVisit(beside, 'closed', { ends: true }),
    ...aVisit(beside, 'back'),
    ...aVisit(beside, 'counted'),
  ];
  const between = aVisit(beside, 'back', { from: 10 });
  const after = ['open', 'closed', 'back', 'counted'].flatMap((id) =>
    aVisit(beside, id, { from: 20, ends: true }),
  );
  const all = [...before, ...between, ...after];
  doing.expectBeside(
    beside,
    all.filter(({ sessionId }) => ['back', 'counted'].includes(sessionId)),
  );
  await publishAll(doing, before);
  await untilRows(doing, beside, before);
  await Promise.all(['open', 'closed', 'back'].map((id) => turn(doing, beside, 'exclude', id)));
  await publishAll(doing, between);
  await Promise.all([turn(doing, beside, 'include', 'back'), publishAll(doing, after)]);
}

/** Sessions of the round, as they are, out of the numbers and back: as if nothing had happened. */
export async function excludeAndInclude(doing: Doing): Promise<void> {
  const found = await withTemporal(doing, (client) => sessionsOf(client, doing, ''));
  const ids = found.slice(0, TURNED_MAX).map((id) => parseSessionWorkflowId(id)?.sessionId ?? '');
  doing.note(`out and back: ${ids.join(', ')}`);
  await Promise.all(
    ids.map(async (id) => {
      await turn(doing, doing.project, 'exclude', id);
      await turn(doing, doing.project, 'include', id);
    }),
  );
}

/** Open and closed sessions: what was written stays, and what comes later begins a new session. */
export async function deleteSessions(doing: Doing): Promise<void> {
  const beside = `${doing.project}-delete`;
  const before = [...aVisit(beside, 'open'), ...aVisit(beside, 'closed', { ends: true })];
  await publishAll(doing, before);
  await untilRows(doing, beside, before);
  await forget(doing, beside, ['open', 'closed']);
  const after = [
    ...aVisit(beside, 'open', { from: 10 }),
    ...aVisit(beside, 'closed', { from: 10 }),
  ];
  const anew = after.map((event) => ({ ...event, sessionId: `${event.sessionId}, anew` }));
  doing.expectBeside(beside, [...before, ...anew]);
  await publishAll(doing, after);
}

/** Deletes session workflows, and waits until Temporal knows nothing of them. */
export async function forget(
  doing: Doing,
  project: string,
  sessionIds: readonly string[],
): Promise<void> {
  await withTemporal(doing, async (client) => {
    for (const sessionId of sessionIds) {
      const workflowId = sessionWorkflowId(project, sessionId);
      await eventually(async () => {
        const there = await unlessGone(
          client.workflowService.deleteWorkflowExecution({
            namespace: TEST_NAMESPACE,
            workflowExecution: { workflowId },
          }),
        ).catch((error: unknown) => {
          // The service's own calls tell it by their code.
          if ((error as { readonly code?: number }).code === NOT_FOUND) return false;
          throw error;
        });
        if (there) throw new Error(`${workflowId} is still there`);
      }, PATIENCE);
    }
  });
}

const NOT_FOUND = 5;
