/**
 * Being asked changes nothing: a session that people look at all the time, also while it writes, has
 * a history that replays. (A query that is answered while a local activity ends lets the workflow
 * hear of that end one workflow task later than a replay will. And one that comes as a timer fires may
 * have it told before its time: docs/decisions/019.)
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { expect } from 'chai';
import { toError } from '../../shared/errors.ts';
import { sessionWorkflowId } from '../../shared/ids.ts';
import { stateQuery } from '../../workflows/messages.ts';
import {
  type Around,
  connectAround,
  connectTemporalOf,
  type PipelineProcess,
  startPipelineProcess,
} from '../support/pipeline.ts';
import { eventually } from '../support/eventually.ts';
import type { History } from '../support/histories.ts';
import { replayAll } from '../support/replay.ts';
import { useServers } from '../support/servers.ts';

const PROJECT = 'asked';
const SESSIONS = 8;
const ASKING = 3;
const FOR_MS = 8_000;
const SETTINGS = { SESSION_IDLE_TIMEOUT: '700ms', SESSION_CHECKPOINT: '100ms', LATE_GRACE: '1s' };

interface Scene {
  readonly around: Around;
  readonly client: Client;
}

/** A Sojourn with these settings, and clients around it, for a suite. */
function useScene(settings: Readonly<Record<string, string>>): () => Scene {
  const servers = useServers();
  let pipeline: PipelineProcess;
  let scene: Scene;
  let close: () => Promise<void>;

  before(async () => {
    pipeline = await startPipelineProcess(servers(), settings);
    const around = await connectAround(servers());
    const { client, connection } = await connectTemporalOf(servers());
    scene = { around, client };
    close = () => connection.close();
  });

  after(async () => {
    await scene.around.close();
    await close();
    expect(await pipeline.stop()).to.equal(0);
  });

  return () => scene;
}

describe('a session that is asked all the time', () => {
  const scene = useScene(SETTINGS);

  it('has a history that replays', async function () {
    this.timeout(300_000);
    const until = Date.now() + FOR_MS;
    const ids = Array.from({ length: SESSIONS }, (_, n) => `s${n}`);
    await Promise.all(
      ids.flatMap((id) => [
        tell(id, until),
        ...Array.from({ length: ASKING }, () => ask(id, until)),
      ]),
    );

    const histories = new Map<string, History>();
    for await (const { workflowId, runId } of scene().client.workflow.list({
      query: `WorkflowType = 'session' AND SojournProject = '${PROJECT}'`,
    })) {
      const history = await scene().client.workflow.getHandle(workflowId, runId).fetchHistory();
      histories.set(`${workflowId} ${runId}`, history);
    }
    const replayed = await replayAll(histories);
    let handedOver = 0;
    const failures: string[] = [];
    for (const [name, history] of histories) {
      const { error = 'not replayed', records = [] } = replayed.get(name) ?? {};
      handedOver += records.length;
      if (replayed.has(name) && replayed.get(name)?.error === undefined) continue;
      // A run that continued as new closed in another way than its replay would; nobody replays it.
      if (history.events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes) continue;
      const kept = join(mkdtempSync(join(tmpdir(), 'sojourn-asked-')), 'history.json');
      writeFileSync(kept, JSON.stringify(history));
      failures.push(`${name}, history in ${kept}: ${toError(error).message}`);
    }

    expect(histories.size).to.be.at.least(SESSIONS);
    expect(handedOver).to.be.above(histories.size);
    expect(failures, `of ${histories.size}`).to.deep.equal([]);
  });

  /** An event now and then, with a pause long enough to end by idleness every few. */
  async function tell(sessionId: string, until: number): Promise<void> {
    for (let n = 0; Date.now() < until; n += 1) {
      const timestamp = Date.UTC(2026, 2, 4, 10) + n * 1_000;
      await scene().around.publish(PROJECT, {
        eventType: 'click',
        sessionId,
        eventId: `${sessionId}-${n}`,
        timestamp,
      });
      const pauseMs = n % 12 === 11 ? 900 : 30 + ((n * 37) % 120);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }

  async function ask(sessionId: string, until: number): Promise<void> {
    const handle = scene().client.workflow.getHandle(sessionWorkflowId(PROJECT, sessionId));
    while (Date.now() < until) {
      await handle.query(stateQuery).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 3));
    }
  }
});

describe('a session that somebody looks at', () => {
  // Left alone for a minute after a delivery.
  const scene = useScene({
    SESSION_IDLE_TIMEOUT: '30m',
    SESSION_CHECKPOINT: '60s',
    LATE_GRACE: '10m',
  });

  it('shows at the second look what has waited for it in ingest', async function () {
    this.timeout(180_000);
    const project = 'looked-at';
    const send = (n: number) =>
      scene().around.publish(project, {
        eventType: 'pageview',
        sessionId: 's',
        eventId: `e${n}`,
        timestamp: Date.UTC(2026, 2, 4, 10) + n * 1_000,
      });
    const handle = scene().client.workflow.getHandle(sessionWorkflowId(project, 's'));
    const shown = async () => (await handle.query(stateQuery)).events;
    await send(1);
    await eventually(
      async () => {
        expect(await shown()).to.equal(1);
      },
      { withinMs: 60_000 },
    );
    // That look was answered before there was a second event; nobody looks for a while.
    await send(2);
    await new Promise((resolve) => setTimeout(resolve, 3_000));

    expect(await shown()).to.equal(1);

    await eventually(
      async () => {
        expect(await shown()).to.equal(2);
      },
      // By itself it would be a minute after the first delivery.
      { withinMs: 30_000 },
    );
  });
});
