/** Dead letters, put right and replayed, give the numbers they would have given at first. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { headers } from '@nats-io/transport-node';
import { expect } from 'chai';
import type { DeadLetterEntry } from '../../operations/dead-letter-stream.ts';
import { jetstreamManager } from '@nats-io/jetstream';
import { deadLetterSubject, EVENTS_STREAM } from '../../shared/ids.ts';
import { placeOf } from '../../workers/ingest/parse-event.ts';
import { inLines } from '../support/builders.ts';
import { eventually } from '../support/eventually.ts';
import {
  type Around,
  connectAround,
  environmentOf,
  type PipelineProcess,
  sojourn,
  startPipelineProcess,
  untilLoaded,
} from '../support/pipeline.ts';
import { publishedRows } from '../support/published.ts';
import type { ReferenceEvent } from '../support/reference.ts';
import { useServers } from '../support/servers.ts';

type Listed = Omit<DeadLetterEntry, 'data'> & { readonly payload: string };

describe('dead letters', function () {
  this.timeout(400_000);
  const servers = useServers();
  let pipeline: PipelineProcess;
  let around: Around;
  let folder: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sojourn-letters-'));
    pipeline = await startPipelineProcess(servers());
    around = await connectAround(servers());
  });

  after(async () => {
    await around.close();
    await pipeline.stop();
    rmSync(folder, { recursive: true });
  });

  const run = (...words: string[]) => sojourn(words, environmentOf(servers()));

  async function letters(project: string, count: number): Promise<Listed[]> {
    return eventually(
      async () => {
        const { stdout } = await run('deadletters', 'list', '--project', project, '--json');
        const listed = JSON.parse(stdout) as Listed[];
        expect(listed).to.have.length(count);
        return listed;
      },
      { withinMs: 90_000, everyMs: 500 },
    );
  }

  /** Replays a letter with this in its place. */
  async function replay(letter: Listed | undefined, fixed: unknown): Promise<void> {
    const file = join(folder, 'fixed.json');
    writeFileSync(file, typeof fixed === 'string' ? fixed : JSON.stringify(fixed));
    const seq = String(letter?.seq);
    const { code, stderr } = await run('deadletters', 'replay', '--seq', seq, '--file', file);
    expect(code, stderr).to.equal(0);
  }

  const expectRows = (project: string, events: readonly ReferenceEvent[]) =>
    eventually(
      async () => {
        expect(inLines(await around.rows(project))).to.equal(inLines(publishedRows(events)));
      },
      // A busy machine stretches what comes in the middle of a session by a minute.
      { withinMs: 120_000 },
    );

  /** What a message without an id is known by. */
  async function placeIn(seq: number): Promise<string> {
    const jsm = await jetstreamManager(around.nc);
    const message = await jsm.streams.getMessage(EVENTS_STREAM, { seq });
    return placeOf(seq, message?.time.getTime() ?? 0);
  }

  /** So that what must not count has had its chance to. */
  const settled = () => untilLoaded(environmentOf(servers()));

  it('give, fixed and replayed, the numbers they would have given at first', async () => {
    const project = 'letters-fixed';
    const event = eventsOf(project, 's');
    const good = event('1', 'pageview', 0, { path: '/', country: 'DE' });
    // The earliest of the session, with other attributes: it changes what is written already.
    const early = event('2', 'page_view', -3_600, { path: '/ad', country: 'FR', os: 'linux' });
    const bought = event('3', 'purchase', 40, { revenue: '19.99', currency: 'EUR' });
    await around.publish(project, payloadOf(good));
    await around.publish(project, { ...payloadOf(early), timestamp: 'yesterday' });
    const wrong = { ...payloadOf(bought), properties: { revenue: '19,99', currency: 'EUR' } };
    await around.publish(project, wrong);
    const [first, second] = await letters(project, 2);
    await expectRows(project, [good]);

    await replay(first, payloadOf(early));
    await replay(second, payloadOf(bought));

    await expectRows(project, [good, early, bought]);
    await letters(project, 0);
  });

  it('keep the id an event without one would have had', async () => {
    const project = 'letters-ids';
    const at = (n: number) => eventsOf(project, 's')('', 'pageview', n, { path: `/${n}` });
    const bare = (n: number) => {
      const { eventId: _eventId, ...rest } = payloadOf(at(n));
      return rest;
    };
    const broken = (n: number) => ({ ...bare(n), sessionId: 5 });
    await around.publish(project, broken(1), { 'Nats-Msg-Id': 'by-header' });
    const seq = await around.publish(project, broken(2));
    await around.publish(project, [bare(3), broken(4), bare(5)], { 'Nats-Msg-Id': 'list' });
    const arraySeq = await around.publish(project, [broken(6), bare(7)]);
    const [place, arrayPlace] = await Promise.all([placeIn(seq), placeIn(arraySeq)]);
    const half = JSON.stringify([bare(8), bare(9)]).slice(0, -3);
    await around.publish(project, half, { 'Nats-Msg-Id': 'half' });
    const found = await letters(project, 5);
    expect(found.map(({ eventId }) => eventId)).to.deep.equal([
      'by-header',
      place,
      'list#1',
      `${arrayPlace}#0`,
      'half',
    ]);

    const [byHeader, bySequence, inList, inOther, wholeArray] = found;
    await replay(byHeader, bare(1));
    await replay(bySequence, bare(2));
    await replay(inList, bare(4));
    await replay(inOther, bare(6));
    await replay(wholeArray, [bare(8), bare(9)]);

    const ids = ['by-header', place, 'list#0', 'list#1', 'list#2'];
    ids.push(`${arrayPlace}#0`, `${arrayPlace}#1`, 'half#0', 'half#1');
    const events = ids.map((eventId, n) => ({ ...at(n + 1), eventId }));
    await expectRows(project, events);

    // A producer that sends the very events again adds nothing: the ids are the same ones.
    for (const again of events) await around.publish(project, payloadOf(again));
    await settled();
    await expectRows(project, events);
  });

  it('count once, however often they are replayed', async () => {
    const project = 'letters-twice';
    const event = eventsOf(project, 's');
    const events = [
      event('a', 'pageview', 0, { path: '/' }),
      event('b', 'conversion', 20, { revenue: '-5', conversionType: 'refund' }),
    ];
    await around.publish(project, {
      ...payloadOf(event('a', 'pageview', 0, { path: '/' })),
      timestamp: null,
    });
    await around.publish(project, '{', { 'Nats-Msg-Id': 'b' });
    const [one, two] = await letters(project, 2);
    const { eventId: _eventId, ...second } = payloadOf(events[1] as ReferenceEvent);

    await replay(one, payloadOf(events[0] as ReferenceEvent));
    // Two people at once: each is told what came of it, and the event counts once.
    const file = join(folder, 'second.json');
    writeFileSync(file, JSON.stringify(second));
    const words = ['deadletters', 'replay', '--seq', String(two?.seq), '--file', file];
    const both = await Promise.all([run(...words), run(...words)]);
    expect(both.map(({ code }) => code)).to.include(0);
    for (const { stdout } of both) expect(stdout).to.match(/^(1 replayed, 0|0 replayed, 0) failed/);
    await expectRows(project, events);

    // As if the command had been killed before it took the letters out.
    for (const letter of [one, two]) await keepAgain(around, letter);
    const [oneAgain, twoAgain] = await letters(project, 2);
    await replay(oneAgain, payloadOf(events[0] as ReferenceEvent));
    await replay(twoAgain, second);

    await settled();
    await expectRows(project, events);
  });

  it('reach a session that has ended, and change it by the difference', async () => {
    const project = 'letters-late';
    const event = eventsOf(project, 's');
    const visit = [event('1', 'pageview', 0, { path: '/' }), event('2', 'session_end', 5, {})];
    const late = event('3', 'pageview', 12, { path: '/thanks' });
    await around.publish(
      project,
      visit.map(payloadOf).concat({ ...payloadOf(late), userId: 7 } as never),
    );
    const [letter] = await letters(project, 1);
    await expectRows(project, visit);

    await replay(letter, payloadOf(late));

    await expectRows(project, [...visit, late]);
  });
});

/** Puts a letter into the stream as ingest had put it there. */
async function keepAgain(around: Around, letter: Listed | undefined): Promise<void> {
  if (letter === undefined) throw new Error('no such letter');
  const head = headers();
  head.set('Sojourn-Reason', letter.reason);
  head.set('Sojourn-Subject', letter.subject);
  head.set('Sojourn-Sequence', String(letter.originalSequence));
  head.set('Sojourn-Event-Id', letter.eventId);
  await around.js.publish(deadLetterSubject(letter.project), letter.payload, { headers: head });
}

function eventsOf(project: string, sessionId: string) {
  return (
    eventId: string,
    eventType: string,
    seconds: number,
    properties: Record<string, string>,
  ): ReferenceEvent => {
    const timestamp = new Date(Date.UTC(2026, 2, 9, 10) + seconds * 1_000).toISOString();
    return { project, sessionId, eventId, eventType, timestamp, properties };
  };
}

function payloadOf({ project: _project, ...event }: ReferenceEvent) {
  return event;
}
