/** Late events: within the window they reopen, after it they begin a new session under the old id. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { expect } from 'chai';
import { sessionWorkflowId } from '../../shared/ids.ts';
import { eventually } from '../support/eventually.ts';
import {
  type Around,
  connectAround,
  connectTemporalOf,
  type PipelineProcess,
  startPipelineProcess,
} from '../support/pipeline.ts';
import { publishedRows } from '../support/published.ts';
import type { ReferenceEvent } from '../support/reference.ts';
import { useServers } from '../support/servers.ts';

const WITHIN = { withinMs: 60_000 };
/** What is to come within it comes after steps that a busy machine takes seconds for. */
const LATE_WINDOW_MS = 15_000;
const OVER_MS = LATE_WINDOW_MS + 500;

describe('a late event', () => {
  const servers = useServers();
  let pipeline: PipelineProcess;
  let around: Around;
  let client: Client;
  const closers: (() => unknown)[] = [];

  const SETTINGS = {
    SESSION_IDLE_TIMEOUT: '2s',
    SESSION_CHECKPOINT: 'off',
    LATE_GRACE: '500ms',
    LATE_WINDOW: `${LATE_WINDOW_MS / 1_000}s`,
  };

  before(async () => {
    pipeline = await startPipelineProcess(servers(), SETTINGS);
    closers.push(() => pipeline.stop());
    around = await connectAround(servers());
    closers.push(() => around.close());
    const temporal = await connectTemporalOf(servers());
    ({ client } = temporal);
    closers.push(() => temporal.connection.close());
  });

  // The pipeline first: where it goes on, it takes what is of the files after this one.
  after(async () => {
    for (const close of closers) await close();
  });

  const view = (project: string, n: number): ReferenceEvent => ({
    project,
    sessionId: 's',
    eventId: `e${n}`,
    eventType: 'pageview',
    timestamp: Date.UTC(2026, 3, 1, 12, 0, n),
    properties: { path: `/${n}` },
  });
  const end = (project: string, n: number) => ({ ...view(project, n), eventType: 'session_end' });

  const publish = async (...events: readonly ReferenceEvent[]) => {
    for (const { project, ...event } of events) await around.publish(project, event);
  };

  const sessionsOf = (project: string) =>
    around.select<{ page_views: number; state: string; end_reason: string }>(
      `SELECT page_views, state, end_reason FROM sojourn.sessions_current
       WHERE project = '${project}' ORDER BY updated_at`,
    );

  const expectRows = (project: string, events: readonly ReferenceEvent[]) =>
    eventually(async () => {
      const got = [...(await around.rows(project))].sort();
      const want = [...publishedRows(events)].filter(([, a]) => a.value !== 0n || a.count !== 0);
      expect(got).to.deep.equal(want.sort());
    }, WITHIN);

  it('changes nothing before the session settles, where checkpoints are off', async () => {
    await publish(view('late-off', 1));

    // What is there first is its end, and that is its first write.
    const first = await eventually(
      async () => {
        const found = await sessionsOf('late-off');
        expect(found).not.to.deep.equal([]);
        return found;
      },
      { ...WITHIN, everyMs: 50 },
    );
    expect(first).to.deep.equal([{ page_views: 1, state: 'ended', end_reason: 'idle' }]);
    const written = await around.select<{ version: number }>(
      "SELECT toUInt32(version) AS version FROM sojourn.sessions WHERE project = 'late-off'",
    );
    expect(written).to.deep.equal([{ version: 1 }]);
    await expectRows('late-off', [view('late-off', 1)]);
  });

  it('is absorbed while the session settles, just after, and twice in a row', async () => {
    const events = [view('late-stages', 1), end('late-stages', 2)];
    await publish(...events);
    for (let n = 3; n < 9; n += 1) {
      // From well within the grace time to well after it.
      await new Promise((resolve) => setTimeout(resolve, n * 100));
      events.push(view('late-stages', n));
      await publish(view('late-stages', n), view('late-stages', n));
    }

    await expectRows('late-stages', events);
    await eventually(async () => {
      expect(await sessionsOf('late-stages')).to.deep.equal([
        { page_views: 7, state: 'ended', end_reason: 'session_end' },
      ]);
    }, WITHIN);
  });

  it('gives the same numbers on either side of the idle timeout', async () => {
    const projects = Array.from({ length: 12 }, (_, n) => `late-border-${n}`);
    await Promise.all(projects.map((project) => publish(view(project, 1))));
    // Around two seconds after the first: some find the session open, some find it closed.
    await Promise.all(
      projects.map(async (project, n) => {
        await new Promise((resolve) => setTimeout(resolve, 1_700 + n * 50));
        await publish(view(project, 2));
      }),
    );

    for (const project of projects) {
      await expectRows(project, [view(project, 1), view(project, 2)]);
      // The sessions of a range are inserted right after its metrics.
      await eventually(async () => {
        expect(await sessionsOf(project)).to.have.length(1);
      }, WITHIN);
    }
  });

  it('begins a new session under the same id once the window is over', async () => {
    await publish(view('late-window', 1), end('late-window', 2));
    await expectRows('late-window', [view('late-window', 1), end('late-window', 2)]);
    const closedAt = await eventually(async () => {
      const handle = client.workflow.getHandle(sessionWorkflowId('late-window', 's'));
      const { status, closeTime } = await handle.describe();
      expect(status.name).to.equal('COMPLETED');
      return closeTime?.getTime() ?? NaN;
    }, WITHIN);
    await sleep(Math.max(0, closedAt + OVER_MS - Date.now()));

    await publish(view('late-window', 3), end('late-window', 4));

    await eventually(async () => {
      expect(await sessionsOf('late-window')).to.deep.equal([
        { page_views: 1, state: 'ended', end_reason: 'session_end' },
        { page_views: 1, state: 'ended', end_reason: 'session_end' },
      ]);
    }, WITHIN);
  });

  it('is in time where it came in time, however late it is taken', async () => {
    const events = [view('late-waits', 1), end('late-waits', 2)];
    await publish(...events);
    await expectRows('late-waits', events);

    await pipeline.kill();
    events.push(view('late-waits', 3));
    await publish(...events);
    await sleep(OVER_MS);
    pipeline = await startPipelineProcess(servers(), SETTINGS);

    await expectRows('late-waits', events);
    await eventually(async () => {
      expect(await sessionsOf('late-waits')).to.deep.equal([
        { page_views: 2, state: 'ended', end_reason: 'session_end' },
      ]);
    }, WITHIN);
  });
});
