/**
 * A bot: one session that gets events as fast as they can be published, while others come and go as
 * usual. It continues as new, nothing is lost or doubled, and the others do not notice.
 */
import type { Client } from '@temporalio/client';
import { expect } from 'chai';
import { sessionWorkflowId } from '../../shared/ids.ts';
import { stateQuery } from '../../workflows/messages.ts';
import { eventually } from '../support/eventually.ts';
import {
  type Around,
  connectAround,
  connectTemporalOf,
  type PipelineProcess,
  startPipelineProcess,
} from '../support/pipeline.ts';
import { startPrivateServers, type TestServers } from '../support/servers.ts';

const PROJECT = 'hot';
/**
 * A run continues as new at 4 MiB of history. These are enough for that, or nearly so; where the machine
 * is busy, deliveries are larger and say less often what their events have in common, and it takes some more.
 */
const EVENTS = 30_000;
const MORE_EVENTS = 10_000;
const EVENTS_MAX = 100_000;
const PER_MESSAGE = 50;
const START = Date.UTC(2026, 5, 1, 12);

describe('a hot session', () => {
  let servers: TestServers;
  let pipeline: PipelineProcess;
  let around: Around;
  let temporal: { readonly client: Client; close(): Promise<void> };

  before(async function () {
    this.timeout(120_000);
    servers = await startPrivateServers();
    pipeline = await startPipelineProcess(servers, {
      SESSION_IDLE_TIMEOUT: '20s',
      SESSION_CHECKPOINT: '2s',
      LATE_GRACE: '1s',
    });
    around = await connectAround(servers);
    const { client, connection } = await connectTemporalOf(servers);
    temporal = { client, close: () => connection.close() };
  });

  after(async function () {
    this.timeout(60_000);
    await around.close();
    await temporal.close();
    await pipeline.stop();
    await servers.stop();
  });

  it('continues as new, loses and doubles nothing, and bothers nobody', async function () {
    this.timeout(240_000);
    const event = (n: number) => ({
      sessionId: 'bot',
      eventId: `0193f2a4-7b1c-7000-8000-${String(n).padStart(12, '0')}`,
      eventType: n % 10 === 0 ? 'purchase' : 'pageview',
      timestamp: START + n,
      properties: n % 10 === 0 ? { revenue: '0.01' } : { path: `/page/${n % 5_000}` },
    });
    const waits: number[] = [];
    const done = new AbortController();
    const others = (async () => {
      for (let n = 0; !done.signal.aborted; n += 1) waits.push(await timeToBeSeen(`other-${n}`));
    })();

    let sent = 0;
    const publishUpTo = async (count: number) => {
      for (; sent < count; sent += PER_MESSAGE) {
        const batch = Array.from({ length: PER_MESSAGE }, (_, i) => event(sent + i));
        await around.publish(PROJECT, batch);
        // A producer's retry now and then.
        if (sent % 1_000 === 0) await around.publish(PROJECT, batch);
      }
    };
    await publishUpTo(EVENTS);
    while (sent < EVENTS_MAX && (await runsOnceTaken(sent)) === 1) {
      await publishUpTo(sent + MORE_EVENTS);
    }
    await around.publish(PROJECT, { ...event(sent), eventId: 'end', eventType: 'session_end' });

    const purchases = sent / 10;
    await eventually(
      async () => {
        const [row] = await around.select<Record<string, number | string>>(
          `SELECT events, page_views, conversions, toString(revenue) AS revenue, state
           FROM sojourn.sessions_current WHERE project = '${PROJECT}' AND session_id = 'bot'`,
        );
        expect(row).to.deep.equal({
          events: sent + 1,
          page_views: sent - purchases,
          conversions: purchases,
          revenue: String(purchases / 100),
          state: 'ended',
        });
      },
      { withinMs: 180_000, everyMs: 500 },
    );
    done.abort();
    await others;
    // What it owed at its end comes in several records, one after the other.
    await eventually(
      async () => {
        const found = await around.rows(PROJECT);
        const views = [...found].filter(([key]) => /^page_views\|hour\|[^|]+\|\|$/.test(key));
        const counted = sum(views.map(([, { count }]) => count));
        expect(counted).to.equal(sent - purchases + waits.length);
        const paths = [...found].filter(([key]) => key.includes('|path|/page/'));
        expect(sum(paths.map(([, { count }]) => count))).to.equal(sent - purchases);
      },
      { withinMs: 60_000, everyMs: 500 },
    );

    // Visibility follows a moment later.
    const runs = await eventually(
      async () => {
        const found = await runsOf('bot');
        expect(found.length, 'continued as new').to.be.above(1);
        return found;
      },
      { withinMs: 20_000 },
    );
    expect(Math.max(...runs.map(({ bytes }) => bytes)), 'bytes of a history').to.be.below(
      20 * 1024 ** 2,
    );
    waits.sort((a, b) => a - b);
    const worst = waits.at(-1) ?? 0;
    process.stdout.write(
      `      ${sent} events in ${runs.length} runs; ${waits.length} other sessions seen after ` +
        `${waits[Math.floor(waits.length / 2)] ?? 0} ms (median), ${worst} ms (worst)\n`,
    );
    expect(worst).to.be.below(10_000);
  });

  /** Publishes one page view and waits until its session shows it. @returns milliseconds */
  async function timeToBeSeen(sessionId: string): Promise<number> {
    const start = Date.now();
    await around.publish(PROJECT, {
      sessionId,
      eventId: '1',
      eventType: 'pageview',
      timestamp: START,
    });
    const handle = temporal.client.workflow.getHandle(sessionWorkflowId(PROJECT, sessionId));
    await eventually(() => handle.query(stateQuery), { withinMs: 60_000, everyMs: 25 });
    return Date.now() - start;
  }

  /** How many runs the bot's session has had when it has taken all that was sent. */
  async function runsOnceTaken(events: number): Promise<number> {
    const bot = temporal.client.workflow.getHandle(sessionWorkflowId(PROJECT, 'bot'));
    await eventually(
      async () => {
        expect((await bot.query(stateQuery)).events).to.equal(events);
      },
      { withinMs: 150_000, everyMs: 500 },
    );
    return (await runsOf('bot')).length;
  }

  async function runsOf(sessionId: string): Promise<{ readonly bytes: number }[]> {
    const runs: { readonly bytes: number }[] = [];
    const query = `WorkflowId = '${sessionWorkflowId(PROJECT, sessionId)}'`;
    for await (const { historySize } of temporal.client.workflow.list({ query })) {
      runs.push({ bytes: historySize ?? 0 });
    }
    return runs;
  }
});

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}
