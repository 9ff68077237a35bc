/** What operators do to streams and their consumer, and messages that test what may lie in them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { JetStreamApiError } from '@nats-io/jetstream';
import { headers, type MsgHdrs } from '@nats-io/transport-node';
import {
  DEADLETTERS_STREAM,
  EVENTS_CONSUMER,
  EVENTS_STREAM,
  METRICS_STREAM,
  ROLLUPS_STREAM,
} from '../../../shared/ids.ts';
import { eventually } from '../eventually.ts';
import type { ReferenceEvent } from '../reference.ts';
import {
  aVisit,
  type Doing,
  expectLetters,
  migrate,
  PATIENCE,
  publishAll,
  untilAllTaken,
  untilRows,
} from './doing.ts';
import { forget } from './sessions.ts';

export async function migrateTwice(doing: Doing): Promise<void> {
  await Promise.all([migrate(doing), migrate(doing)]);
}

/** Ingest keeps how far it has come within a second or two. */
const FLOOR_KEPT_MS = 3_000;

/** With a session that nobody remembers: what a consumer that begins anew offers again would count again. */
export async function consumerAnew(doing: Doing): Promise<void> {
  const beside = `${doing.project}-consumer`;
  const before = aVisit(beside, 'forgotten', { ends: true });
  const after = aVisit(beside, 'later', { from: 10, ends: true });
  doing.expectBeside(beside, [...before, ...after]);
  await publishAll(doing, before);
  await untilRows(doing, beside, before);
  await untilAllTaken(doing);
  await forget(doing, beside, ['forgotten']);
  await sleep(FLOOR_KEPT_MS);
  await doing.world.jsm.consumers.delete(EVENTS_STREAM, EVENTS_CONSUMER);
  await migrate(doing);
  await publishAll(doing, after);
}

/** What has been acknowledged goes, in the middle of the traffic: nobody needs it. */
export async function eventsPurged({ world, forMs }: Doing): Promise<void> {
  const until = Date.now() + forMs;
  while (Date.now() < until) {
    const { ack_floor: floor } = await eventually(
      () => world.jsm.consumers.info(EVENTS_STREAM, EVENTS_CONSUMER),
      PATIENCE,
    );
    if (floor.stream_seq > 0) {
      await eventually(
        () => world.jsm.streams.purge(EVENTS_STREAM, { seq: floor.stream_seq + 1 }),
        PATIENCE,
      );
    }
    await sleep(500);
  }
}

/** An event without any id, known by its place in the stream. @returns its sequence */
async function publishUnnamed(
  { world }: Doing,
  { project, eventId: _eventId, ...event }: ReferenceEvent,
): Promise<number> {
  return world.around.publish(project, event);
}

/**
 * With everything acknowledged, so nothing is lost. The sequences begin anew: an event without an id, and a dead letter,
 * come to lie where one of the same session lay before.
 */
export async function eventsAnew(doing: Doing): Promise<void> {
  const { world } = doing;
  const beside = `${doing.project}-anew`;
  const bad = `${doing.project}-anew-bad`;
  const [first, second] = aVisit(beside, 'unnamed', { views: 2 }) as [
    ReferenceEvent,
    ReferenceEvent,
  ];
  doing.expectBeside(beside, [first, second]);
  const place = await publishUnnamed(doing, first);
  await world.around.publish(bad, 'the first bad message');
  await untilRows(doing, beside, [first]);
  await untilAllTaken(doing);

  await world.jsm.streams.delete(EVENTS_STREAM);
  await migrate(doing);
  // The next message gets this sequence, as it would after as many messages.
  await world.jsm.streams.purge(EVENTS_STREAM, { seq: place });
  const again = await publishUnnamed(doing, second);
  if (again !== place) throw new Error(`the event lies at ${again}, not at ${place}`);
  await world.around.publish(bad, 'the second bad message');
  await untilRows(doing, beside, [first, second]);
  await expectLetters(doing, bad, 2);
}

/** The letters in it are lost, as whoever deletes it knows. Later ones are kept. */
export async function deadLettersAnew(doing: Doing): Promise<void> {
  const bad = `${doing.project}-letters`;
  await doing.world.around.publish(bad, 'lost with the stream');
  await untilAllTaken(doing);
  await doing.world.jsm.streams.delete(DEADLETTERS_STREAM);
  await doing.world.around.publish(bad, 'while there is no stream');
  await migrate(doing);
  await doing.world.around.publish(bad, 'kept in the new one');
  await expectLetters(doing, bad, 2);
}

/** With everything in it loaded, so nothing is lost; announcements are lost with their stream. */
export async function writtenStreamsAnew(doing: Doing): Promise<void> {
  const beside = `${doing.project}-rollups`;
  const before = [...aVisit(beside, 'open'), ...aVisit(beside, 'closed', { ends: true })];
  const after = [
    ...aVisit(beside, 'open', { from: 10 }),
    ...aVisit(beside, 'closed', { from: 10 }),
    ...aVisit(beside, 'later', { ends: true }),
  ];
  doing.expectBeside(beside, [...before, ...after]);
  await publishAll(doing, before);
  await untilRows(doing, beside, before);
  for (const stream of [ROLLUPS_STREAM, METRICS_STREAM]) {
    await doing.world.jsm.streams.delete(stream);
  }
  await migrate(doing);
  await publishAll(doing, after);
}

/** Headers that the client of a producer would not let through, but another language's does. */
export async function badHeaders(doing: Doing): Promise<void> {
  const bad = `${doing.project}-headers`;
  const names = ['Na(me', 'Ünicode', 'two words', ''];
  const event = aVisit(bad, 's', { views: 1 })[0] as ReferenceEvent;
  for (const [n, name] of names.entries()) {
    const encoded = Buffer.from(`NATS/1.0\r\nNats-Msg-Id: ${bad}-${n}\r\n${name}: x\r\n\r\n`);
    const raw = { encode: () => encoded } as unknown as MsgHdrs;
    await eventually(
      () =>
        doing.world.around.nc.request(`events.${bad}.pageview`, JSON.stringify(event), {
          headers: raw,
          timeout: 2_000,
        }),
      PATIENCE,
    );
  }
  // Those that can be read after all are the same event: as such or as a dead letter, none stops ingest.
  await untilAllTaken(doing);
  await takeOutLetters(doing, bad);
}

async function takeOutLetters({ world }: Doing, project: string): Promise<void> {
  await eventually(
    () => world.jsm.streams.purge(DEADLETTERS_STREAM, { filter: `deadletters.${project}` }),
    PATIENCE,
  );
}

const MEBIBYTE = 1_048_576;

/** Bad messages of all sizes that the server may take: each is refused at once, or one dead letter. */
export async function largeMessages(doing: Doing): Promise<void> {
  const { around } = doing.world;
  const bad = `${doing.project}-large`;
  const { max_payload: most } = around.nc.info ?? { max_payload: MEBIBYTE };
  const sizes = [MEBIBYTE - 1, MEBIBYTE, MEBIBYTE + 1, MEBIBYTE + 16_000, most - 400, most - 100];
  let taken = 0;
  for (const size of sizes.filter((one) => one < most)) {
    const id = `${bad}-${size}`;
    if (await isTaken(doing, bad, Buffer.alloc(size, 'x'), id)) taken += 1;
  }
  doing.note(`${taken} of ${sizes.length} large messages were taken`);
  await expectLetters(doing, bad, taken);
}

/** Publishes until there is an answer. @returns false where the stream refuses it */
async function isTaken(
  { world }: Doing,
  project: string,
  data: Uint8Array,
  id: string,
): Promise<boolean> {
  const head = headers();
  head.set('Nats-Msg-Id', id);
  return eventually(async () => {
    try {
      await world.around.js.publish(`events.${project}.large`, data, {
        headers: head,
        timeout: 5_000,
      });
      return true;
    } catch (error) {
      if (error instanceof JetStreamApiError && error.code === TOO_LARGE) return false;
      throw error;
    }
  }, PATIENCE);
}

/** "message size exceeds maximum allowed" */
const TOO_LARGE = 10054;

const FLOOD = { arrays: 6, views: 500 } as const;

/** One session gets more than all others together. */
export async function flood(doing: Doing): Promise<void> {
  const beside = `${doing.project}-flood`;
  const events = aVisit(beside, 'hot', { views: FLOOD.arrays * FLOOD.views, ends: true });
  doing.expectBeside(beside, events);
  for (let start = 0; start < events.length; start += FLOOD.views) {
    const part = events.slice(start, start + FLOOD.views);
    const payload = part.map(({ project: _project, ...event }) => event);
    await doing.world.publish(beside, payload, `${beside}-${start}`);
  }
}
