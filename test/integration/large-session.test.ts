/** Legal sessions that outgrew the engine: longest values, many of them, over many days. */
import { expect } from 'chai';
import type { Client, Connection } from '@temporalio/client';
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

const WITHIN = { withinMs: 90_000 };
const DAY_MS = 86_400_000;
const START = Date.UTC(2026, 3, 1, 12);

describe('a large session', function () {
  this.timeout(360_000);
  const servers = useServers();
  let pipeline: PipelineProcess;
  let around: Around;
  let temporal: { client: Client; connection: Connection };
  const closers: (() => unknown)[] = [];

  before(async () => {
    pipeline = await startPipelineProcess(servers(), {
      SESSION_IDLE_TIMEOUT: '60s',
      SESSION_CHECKPOINT: '5s',
      LATE_GRACE: '500ms',
    });
    closers.push(() => pipeline.stop());
    around = await connectAround(servers());
    closers.push(() => around.close());
    temporal = await connectTemporalOf(servers());
    closers.push(() => temporal.connection.close());
  });

  // The pipeline first: where it goes on, it takes what is of the files after this one.
  after(async () => {
    for (const close of closers) await close();
  });

  async function publish(events: readonly ReferenceEvent[]): Promise<void> {
    const AT_A_TIME = 50;
    for (let start = 0; start < events.length; start += AT_A_TIME) {
      const some = events.slice(start, start + AT_A_TIME);
      await around.publish(
        some[0]?.project ?? '',
        some.map(({ project: _project, ...event }) => event),
      );
    }
  }

  const expectExact = (project: string, events: readonly ReferenceEvent[]) =>
    eventually(async () => {
      const got = await around.rows(project);
      const want = [...publishedRows(events)].filter(([, a]) => a.value !== 0n || a.count !== 0);
      expect(got.size).to.equal(want.length);
      for (const [key, amount] of want) expect(got.get(key), key).to.deep.equal(amount);
    }, WITHIN);

  async function endsAndReopens(project: string, views: readonly ReferenceEvent[]): Promise<void> {
    const end = { ...event(project, 9_999, START + 60_000), eventType: 'session_end' };
    const early = views.slice(0, -20);
    await publish([...early, end]);
    await expectExact(project, [...early, end]);
    await eventually(async () => {
      const handle = temporal.client.workflow.getHandle(sessionWorkflowId(project, 's'));
      expect((await handle.describe()).status.name).to.equal('COMPLETED');
    }, WITHIN);

    await publish(views.slice(-20));

    await expectExact(project, [...views, end]);
  }

  const event = (
    project: string,
    n: number,
    timestamp: number,
    properties: Record<string, string> = {},
  ): ReferenceEvent => ({
    project,
    sessionId: 's',
    eventId: `e${n}`,
    eventType: 'pageview',
    timestamp,
    properties,
  });

  it('of 1,200 paths of 1,024 CJK characters ends, and reopens, exactly', async () => {
    const path = (n: number) => `/${String(n).padStart(4, '0')}${'漢'.repeat(1_019)}`;
    const views = Array.from({ length: 1_200 }, (_, n) =>
      event('large-paths', n, START + n, { path: path(n) }),
    );

    await endsAndReopens('large-paths', views);
  });

  it('of many days, with five attributes of 1,024 characters of four bytes, does as well', async () => {
    const long = (n: number) => `${n % 7}${'😀'.repeat(1_023)}`;
    const views = Array.from({ length: 150 }, (_, n) => {
      const value = long(n);
      const changes = n % 50 === 0;
      return event('large-days', n, START - n * DAY_MS, {
        ...(changes && { trafficSource: value, deviceType: value, country: value }),
        ...(changes && { browser: value, os: value }),
      });
    });

    await endsAndReopens('large-days', views);
  });
});
