/** A limit for all that EVENTS holds, on a real NATS: producers are refused, nothing that waits goes, room is made of the rest. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { loadConfig, requireServers } from '../../platform/config.ts';
import { keepRoom, type KeptRoom, roomOf } from '../../platform/events-room.ts';
import { silentLog } from '../../platform/log.ts';
import { connectNats, migrateStreams, type Nats } from '../../platform/nats.ts';
import { createObserver } from '../../operations/observe.ts';
import { EVENTS_CONSUMER, EVENTS_STREAM } from '../../shared/ids.ts';
import { toError } from '../../shared/errors.ts';
import { eventually } from '../support/eventually.ts';
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
    const room = keepRoom({ nats, log: silentLog, everyMs: 50 });
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

  async function publishUntil(bytes: number): Promise<void> {
    while ((await info()).state.bytes < bytes) await publish();
  }
});
