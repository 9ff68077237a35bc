/** Quotas of projects on the real servers: what is over waits as dead letters, what is taken is exact, whoever dies meanwhile. */
import { setTimeout as sleep } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { expect } from 'chai';
import type { DeadLetterEntry } from '../../operations/dead-letter-stream.ts';
import { EVENTS_CONSUMER, EVENTS_STREAM } from '../../shared/ids.ts';
import { dayOf, startOfDay } from '../../shared/quota.ts';
import { inLines } from '../support/builders.ts';
import { type CollectWorld, startCollectWorld } from '../support/collect-world.ts';
import { eventually } from '../support/eventually.ts';
import {
  type Around,
  connectAround,
  environmentOf,
  type PipelineProcess,
  QUICK_SETTINGS,
  sojourn,
  startPipelineProcess,
  untilLoaded,
} from '../support/pipeline.ts';
import { publishedRows } from '../support/published.ts';
import type { ReferenceEvent } from '../support/reference.ts';
import { temporaryFolder, useServers } from '../support/servers.ts';

/** The day of UTC must not end while it runs. */
const LONG_ENOUGH_MS = 10 * 60_000;
const WITHIN = { withinMs: 120_000 };
const QUOTA = 150;
const KILLS = 4;

type Listed = Omit<DeadLetterEntry, 'data'> & { readonly payload: string };

/** Of ten visitors, in turns. */
function eventOf(project: string, n: number): ReferenceEvent {
  return {
    project,
    sessionId: `s${n % 10}`,
    eventId: `e${n}`,
    eventType: n % 7 === 0 ? 'purchase' : 'pageview',
    timestamp: new Date(Date.UTC(2026, 4, 1, 10) + n * 1_000).toISOString(),
    properties: n % 7 === 0 ? { revenue: '1.10', currency: 'EUR' } : { path: `/${n % 3}` },
  };
}

function payloadOf({ project: _project, ...event }: ReferenceEvent) {
  return event;
}

describe('quotas of projects', function () {
  this.timeout(LONG_ENOUGH_MS);
  const servers = useServers();

  before('on one day', async () => {
    const now = Date.now();
    const leftMs = startOfDay(dayOf(now) + 1) - now;
    if (leftMs < LONG_ENOUGH_MS) await sleep(leftMs + 1_000);
  });

  const run = async (...words: string[]) => {
    const { code, stdout, stderr } = await sojourn(words, environmentOf(servers()));
    expect(code, stderr).to.equal(0);
    return stdout;
  };
  const lettersOf = async (project: string) =>
    JSON.parse(
      await run('deadletters', 'list', '--project', project, '--limit', '10000', '--json'),
    ) as Listed[];
  const idsOf = (letters: readonly Listed[]) =>
    letters
      .flatMap(({ payload }) => [JSON.parse(payload) as ReferenceEvent | ReferenceEvent[]].flat())
      .map(({ eventId }) => eventId);

  describe('with two ingests, of which one is killed again and again', () => {
    const project = 'quota-killed';
    const all: ReferenceEvent[] = [];
    let messages = 0;
    let pipeline: PipelineProcess;
    let second: PipelineProcess;
    let around: Around;

    before(async () => {
      pipeline = await startPipelineProcess(servers());
      second = await startSecond();
      around = await connectAround(servers());
    });

    after(async () => {
      await around.close();
      await second.stop();
      await pipeline.stop();
    });

    const startSecond = () => startPipelineProcess(servers(), QUICK_SETTINGS, ['ingest']);
    const expectRows = async (events: readonly ReferenceEvent[]) => {
      await eventually(async () => {
        expect(inLines(await around.rows(project))).to.equal(inLines(publishedRows(events)));
      }, WITHIN);
    };

    /** Every tenth message has three events. */
    async function publishMessages(count: number): Promise<void> {
      for (let n = 0; n < count; n += 1, messages += 1) {
        const some = Array.from({ length: messages % 10 === 0 ? 3 : 1 }, (_, m) =>
          eventOf(project, all.length + m),
        );
        all.push(...some);
        const payload =
          some.length === 1 ? payloadOf(some[0] as ReferenceEvent) : some.map(payloadOf);
        await around.publish(project, payload);
      }
    }

    /** Of the messages in their order. */
    const eventsOf = (count: number) => count + 2 * Math.ceil(count / 10);

    /** Messages that were offered more than once. */
    async function offeredAgain(): Promise<number> {
      const jsm = await jetstreamManager(around.nc);
      const { delivered } = await jsm.consumers.info(EVENTS_STREAM, EVENTS_CONSUMER);
      return delivered.consumer_seq - delivered.stream_seq;
    }

    it('takes so many messages to the last one, and puts the rest aside as it is', async () => {
      await run('project', 'set', project, '--max-messages-per-day', String(QUOTA));
      const before = await offeredAgain();
      const phase = { kills: 0, isPublishing: true };
      const killing = (async () => {
        while (phase.isPublishing) {
          await sleep(500);
          await second.kill();
          phase.kills += 1;
          second = await startSecond();
        }
      })();
      while (all.length < eventsOf(250) || phase.kills < KILLS) {
        await publishMessages(50);
        await sleep(100);
      }
      phase.isPublishing = false;
      await killing;

      await untilLoaded(environmentOf(servers()));
      const letters = await lettersOf(project);
      const over = all.slice(eventsOf(QUOTA));
      expect(idsOf(letters)).to.have.members(over.map(({ eventId }) => eventId));
      expect(letters).to.have.length(messages - QUOTA);
      // Some were taken by the one that was killed, and judged once more, when the day was long over.
      expect(await offeredAgain()).to.be.above(before);
      for (const { reason } of letters) {
        expect(reason).to.match(/^over quota: the project has had its 150 messages of \d{4}-/);
      }
      await expectRows(all.slice(0, eventsOf(QUOTA)));
    });

    it('puts replayed ones aside once more, as long as there is no room', async () => {
      await run('deadletters', 'replay', '--project', project);
      await untilLoaded(environmentOf(servers()));
      const over = all.slice(eventsOf(QUOTA));
      expect(idsOf(await lettersOf(project))).to.have.members(over.map(({ eventId }) => eventId));
      await expectRows(all.slice(0, eventsOf(QUOTA)));
    });

    it('takes them once the quota is raised, each once', async () => {
      await run('project', 'set', project, '--max-messages-per-day', '100000');
      await run('deadletters', 'replay', '--project', project);
      await untilLoaded(environmentOf(servers()));

      expect(await lettersOf(project)).to.deep.equal([]);
      await expectRows(all);
    });
  });

  describe('and somebody who is to be forgotten', () => {
    const project = 'quota-forget';
    let pipeline: PipelineProcess;
    let around: Around;

    before(async () => {
      pipeline = await startPipelineProcess(servers());
      around = await connectAround(servers());
    });

    after(async () => {
      await around.close();
      await pipeline.stop();
    });

    it('loses the events of nobody else', async () => {
      await run('project', 'set', project, '--max-messages-per-day', '0');
      // Without ids of their own: they are known by their places.
      const events = Array.from({ length: 4 }, (_, n) => {
        const { eventId: _eventId, ...rest } = payloadOf(eventOf(project, n));
        return { ...rest, sessionId: `f${n}`, ...(n % 2 === 1 && { userId: 'gone' }) };
      });
      await around.publish(project, events, { 'Nats-Msg-Id': 'array' });
      const held = await eventually(async () => {
        const letters = await lettersOf(project);
        expect(letters).to.have.length(1);
        return letters;
      }, WITHIN);
      expect(held[0]).to.include({ eventId: 'array' });

      await run('forget', '--user', 'gone', '--project', project, '--data-dir', temporaryFolder());

      const left = await lettersOf(project);
      expect(left.map(({ eventId }) => eventId)).to.deep.equal(['array#0', 'array#2']);
      expect(left.map(({ payload }) => JSON.parse(payload) as unknown)).to.deep.equal([
        events[0],
        events[2],
      ]);
      for (const { reason } of left) expect(reason).to.match(/^over quota/);

      await run('project', 'set', project, '--no-max-messages-per-day');
      await run('deadletters', 'replay', '--project', project);
      await untilLoaded(environmentOf(servers()));
      const sessions = await eventually(async () => {
        const rows = await around.select<{ session_id: string }>(
          `SELECT session_id FROM sojourn.sessions FINAL WHERE project = '${project}' ORDER BY session_id`,
        );
        expect(rows).to.have.length(2);
        return rows;
      }, WITHIN);
      expect(sessions.map(({ session_id: id }) => id)).to.deep.equal(['f0', 'f2']);
    });
  });

  describe('that a collector knows of', () => {
    const project = 'quota-collect';
    let world: CollectWorld;

    before(async () => {
      world = await startCollectWorld(servers());
    });
    after(() => world.stop());

    const post = (n: number) =>
      fetch(`${world.url}/events?key=quota-key`, {
        method: 'POST',
        body: JSON.stringify(payloadOf(eventOf(project, n))),
      });

    it('has trackers come again later, and takes what they bring then', async () => {
      await world.addKeys(project, 'quota-key');
      await run('project', 'set', project, '--max-bytes-per-day', '1kB');
      let sent = 0;
      const refused = await eventually(async () => {
        const answer = await post(sent);
        if (answer.status === 200) sent += 1;
        expect(answer.status).to.equal(429);
        return answer;
      }, WITHIN);
      expect(Number(refused.headers.get('retry-after'))).to.be.within(1, 3_600);
      expect(await refused.text()).to.contain('quota');

      await run('project', 'set', project, '--no-max-bytes-per-day');
      await eventually(async () => {
        expect((await post(sent)).status).to.equal(200);
      }, WITHIN);
      await run('deadletters', 'replay', '--project', project);
      await world.settle();

      const events = Array.from({ length: sent + 1 }, (_, n) => eventOf(project, n));
      await eventually(async () => {
        expect(inLines((await world.rows(project)).metrics)).to.equal(
          inLines(publishedRows(events)),
        );
      }, WITHIN);
    });
  });
});
