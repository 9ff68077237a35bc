/** A limit for all that EVENTS holds, on a real NATS: producers are refused, nothing that waits goes, room is made of the rest. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { JsMsg } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { expect } from 'chai';
import { pino } from 'pino';
import { loadConfig, requireServers } from '../../platform/config.ts';
import { keepRoom, type KeptRoom, roomOf } from '../../platform/events-room.ts';
import { silentLog } from '../../platform/log.ts';
import { connectNats, migrateStreams, type Nats } from '../../platform/nats.ts';
import { createObserver } from '../../operations/observe.ts';
import { EVENTS_CONSUMER, EVENTS_STREAM } from '../../shared/ids.ts';
import { toError } from '../../shared/errors.ts';
import { eventually } from '../support/eventually.ts';
import { randomOf } from '../support/random.ts';
import { type SecuredNats, startSecuredNats } from '../support/secured-nats.ts';

const MIB = 1024 * 1024;
const WITHIN = { withinMs: 30_000 };
/** Of which some twenty are a MiB, as JetStream counts. */
const PAYLOAD = Buffer.alloc(50_000, '.');

describe('room in EVENTS', function () {
  this.timeout(240_000);
  let server: SecuredNats;
  let nats: Nats;

  before('start NATS', async () => {
    server = await startSecuredNats('');
    nats = await connectNats(config(), 'test', silentLog);
  });

  after(async () => {
    await nats.connection.close();
    await server.stop();
  });

  const config = (more: Record<string, string> = {}) =>
    requireServers(loadConfig({ NATS_URL: `nats://127.0.0.1:${server.port}`, ...more }), [
      'NATS_URL',
    ]);
  const migrate = (size?: string) =>
    migrateStreams(nats, silentLog, {
      eventsBytesMax: config(size === undefined ? {} : { EVENTS_MAX_BYTES: size }).EVENTS_MAX_BYTES,
    });
  const info = () => nats.jsm.streams.info(EVENTS_STREAM);
  const publish = () => nats.js.publish('events.shop.pageview', PAYLOAD, { timeout: 30_000 });

  /** As ingest would, but more often. */
  async function keptRoom(): Promise<KeptRoom> {
    const room = keepRoom({
      ...{ nats, log: silentLog, everyMs: 50 },
      firstHeld: () => Infinity,
      firstNeeded: () => Promise.resolve(Infinity),
    });
    room.follow((await info()).config);
    return room;
  }

  async function publishUntilFull(): Promise<string> {
    for (let n = 0; n < 1_000; n += 1) {
      try {
        await publish();
      } catch (error) {
        return toError(error).message;
      }
    }
    throw new Error('EVENTS is never full');
  }

  async function acknowledge(count: number): Promise<void> {
    const consumer = await nats.js.consumers.get(EVENTS_STREAM, EVENTS_CONSUMER);
    for await (const message of await consumer.fetch({ max_messages: count })) {
      await message.ackAck();
    }
  }

  it('is not limited where nobody says so, and stays as an operator chose', async () => {
    await migrate();
    expect(roomOf(await info())).to.equal(undefined);
    await nats.jsm.streams.update(EVENTS_STREAM, { max_bytes: 20 * MIB });
    await migrate();
    expect((await info()).config.max_bytes).to.equal(20 * MIB);
  });

  it('is not made where the limit was set by hand, whatever is acknowledged', async () => {
    await publishUntilFull();
    await acknowledge(200);
    const { state: full } = await info();
    const room = await keptRoom();
    try {
      await sleep(500);
      expect((await info()).state).to.include({ first_seq: full.first_seq, bytes: full.bytes });
    } finally {
      room.stop();
    }
    await nats.jsm.streams.purge(EVENTS_STREAM);
  });

  it('is limited by EVENTS_MAX_BYTES, to the effect that producers are told', async () => {
    await migrate('16MiB');

    expect(await publishUntilFull()).to.contain('maximum bytes exceeded');

    expect((await info()).state.bytes).to.be.within(15 * MIB, 16 * MIB);
    const observer = createObserver(config());
    try {
      const { warnings = [], eventsRoom } = await observer.status();
      expect(warnings.join()).to.contain('of 16MiB');
      expect(eventsRoom?.bytesMax).to.equal(16 * MIB);
    } finally {
      await observer.close();
    }
  });

  it('is made of what is acknowledged only, and enough of it', async () => {
    const { state: full } = await info();
    const room = await keptRoom();
    try {
      await sleep(500);
      expect((await info()).state.first_seq, 'nothing is acknowledged').to.equal(full.first_seq);

      await acknowledge(10);
      await eventually(async () => {
        expect((await info()).state.first_seq).to.equal(full.first_seq + 10);
      }, WITHIN);
      await publish();

      await acknowledge(1_000);
      await eventually(async () => {
        const { state } = await info();
        // By the time that all are acknowledged it may have made room already, and has it then.
        expect(state.bytes).to.be.within(0.65 * 16 * MIB, 0.8 * 16 * MIB);
      }, WITHIN);
    } finally {
      room.stop();
    }
  });

  it('loses nothing by a limit that is lowered below what is there', async () => {
    await migrate('unlimited');
    await publishUntil(20 * MIB);
    const { messages } = (await info()).state;

    await migrate('16MiB');

    const { state } = await info();
    expect(state.messages).to.equal(messages);
    expect(await publish().catch((error: unknown) => toError(error).message)).to.contain('maximum');
  });

  it('cannot be more than NATS may store, and the error says so', async () => {
    const error = await migrate('500TB').catch(toError);
    expect(error)
      .to.be.instanceOf(Error)
      .with.property('message')
      .that.contains('EVENTS_MAX_BYTES is 500TB')
      .and.contains('max_file_store');
  });

  it('leaves what is held, put off or expired as it is, by whatever purges', async () => {
    await beginAnew(2_000);
    await publishSmall(40);
    const held = await fetch(40, 5_000);
    for (const [seq, message] of held) if (seq <= 10 || seq === 15) await message.ackAck();
    held.get(12)?.nak(6_000);
    // 13 is not heard of again, for longer than JetStream waits.
    for (let n = 0; n < 8; n += 1) {
      for (const [seq, message] of held)
        if (seq > 10 && ![12, 13, 15].includes(seq)) message.working();
      await sleep(400);
    }

    const before = await consumer();
    expect(before).to.include({ floor: 10, unacknowledged: 29 });
    const waiting = [...held.keys()].filter((seq) => seq > 10 && seq !== 15);
    expect(await purge()).to.equal(10);
    expect(await consumer()).to.deep.equal(before);
    await offeredAgain(waiting);

    // NATS 2.15 forgets with each purge which ones it was about to offer again, also where nothing goes: they are late
    // by another of its waits, and so by all of them while purges come faster than those. None is lost.
    const purging = setInterval(() => {
      purge().catch(() => undefined);
    }, 50);
    await sleep(5_000);
    expect(await consumer()).to.deep.equal(before);
    clearInterval(purging);
    await offeredAgain(waiting);
    expect(await consumer()).to.deep.equal(before);
  });

  it('leaves to the last message what is taken, put off and acknowledged while it purges', async () => {
    await beginAnew(2_000);
    const count = 2_000;
    const taken = new Set<number>();
    let purged = 0;
    const purging = setInterval(() => {
      purgeSome().then(
        (some) => {
          purged += some;
        },
        () => undefined,
      );
    }, 50);
    const random = randomOf(58);
    try {
      const publishing = publishSmall(count);
      await eventually(
        async () => {
          for (const [seq, message] of await fetch(100, 1_000)) {
            const chance = random();
            // Offered once more it is taken: one that is put off again and again would keep the floor to the end.
            if (chance < 0.6 || message.info.deliveryCount > 1) {
              await message.ackAck();
              taken.add(seq);
            } else if (chance < 0.8) message.nak(chance < 0.7 ? 0 : 300);
          }
          expect(taken.size).to.equal(count);
        },
        { withinMs: 120_000 },
      );
      await publishing;
      expect(await consumer()).to.include({ floor: count, unacknowledged: 0, pending: 0 });
      // How much by then, hangs on who is offered again when.
      expect(purged, 'on the way').to.be.above(0);
    } finally {
      clearInterval(purging);
    }
    await purgeSome();
    expect((await info()).state).to.include({ first_seq: count + 1, messages: 0 });
  });

  it('is what migrate warns of where it was made of events that are to be offered again', async () => {
    await beginAnew(2_000);
    await publishSmall(5);
    const since = new Date();
    await sleep(20);
    await publishSmall(5);
    await nats.jsm.streams.purge(EVENTS_STREAM, { seq: 8 });
    const warnedFrom = async (time: Date) => {
      await nats.jsm.consumers.delete(EVENTS_STREAM, EVENTS_CONSUMER);
      const warned: string[] = [];
      const log = pino({ level: 'warn' }, { write: (line: string) => warned.push(line) });
      await migrateStreams(nats, log, { from: { time } });
      return warned.join('');
    };

    const { first_seq: first, first_ts: begins } = (await info()).state;
    expect(first).to.equal(8);
    expect(await warnedFrom(since)).to.contain(`has events from ${begins} on only`);
    expect(await warnedFrom(new Date())).to.equal('');
  });

  /** With a consumer that waits for so long. */
  async function beginAnew(ackWaitMs: number): Promise<void> {
    await migrate('16MiB');
    await nats.jsm.streams.delete(EVENTS_STREAM);
    await migrate('16MiB');
    const more = { ack_wait: nanos(ackWaitMs) };
    await nats.jsm.consumers.update(EVENTS_STREAM, EVENTS_CONSUMER, more);
  }

  async function publishSmall(count: number): Promise<void> {
    for (let n = 0; n < count; n += 1) await nats.js.publish('events.shop.pageview', '{}');
  }

  async function fetch(count: number, expires: number): Promise<Map<number, JsMsg>> {
    const found = new Map<number, JsMsg>();
    const from = await nats.js.consumers.get(EVENTS_STREAM, EVENTS_CONSUMER);
    const some = await from.fetch({ max_messages: count, expires });
    for await (const message of some) found.set(message.seq, message);
    return found;
  }

  async function consumer() {
    const found = await nats.jsm.consumers.info(EVENTS_STREAM, EVENTS_CONSUMER);
    return {
      floor: found.ack_floor.stream_seq,
      unacknowledged: found.num_ack_pending,
      pending: found.num_pending,
    };
  }

  async function offeredAgain(seqs: readonly number[]): Promise<void> {
    const again = new Set<number>();
    await eventually(async () => {
      for (const [seq, message] of await fetch(40, 1_000)) {
        expect(message.redelivered, String(seq)).to.equal(true);
        again.add(seq);
      }
      expect([...again].sort((a, b) => a - b)).to.deep.equal(seqs);
    }, WITHIN);
  }

  /** As ingest does, only where something goes: what is late holds the floor, and so the purges that make it late. */
  async function purgeSome(): Promise<number> {
    const { state } = await info();
    return (await consumer()).floor >= state.first_seq ? purge() : 0;
  }

  /** All that may go at most. */
  async function purge(): Promise<number> {
    const { floor } = await consumer();
    return (await nats.jsm.streams.purge(EVENTS_STREAM, { seq: floor + 1 })).purged;
  }

  async function publishUntil(bytes: number): Promise<void> {
    while ((await info()).state.bytes < bytes) await publish();
  }
});
