import type { StreamInfo } from '@nats-io/jetstream';
import { expect } from 'chai';
import fc from 'fast-check';
import { goesBefore, keepRoom, roomOf, roomWarning } from '../../platform/events-room.ts';
import type { Logger } from '../../platform/log.ts';
import { silentLog } from '../../platform/log.ts';
import type { Nats } from '../../platform/nats.ts';
import { eventually } from '../support/eventually.ts';

const stream = (bytes: number, bytesMax: number, first = 1, last = 1_000) =>
  ({
    config: { max_bytes: bytesMax, metadata: { 'sojourn-keeps-room': String(bytesMax) } },
    state: { bytes, first_seq: first, last_seq: last },
  }) as unknown as StreamInfo;

/** A process that holds no message, and needs none that is acknowledged. */
const NOTHING_HELD = {
  firstHeld: () => Infinity,
  firstNeeded: () => Promise.resolve(Infinity),
};

describe('room in EVENTS', () => {
  it('is nobody’s matter where there is no limit', () => {
    expect(roomOf(stream(10 ** 12, -1))).to.equal(undefined);
    expect(goesBefore(stream(10 ** 12, -1), Infinity)).to.equal(undefined);
    expect(roomWarning(undefined)).to.equal(undefined);
  });

  it('is made from four fifths on, of the oldest that are acknowledged', () => {
    expect(goesBefore(stream(799, 1_000), 1_000)).to.equal(undefined);
    // A hundred bytes over the aim, of 800 in a thousand messages.
    expect(goesBefore(stream(800, 1_000), 1_000)).to.equal(1 + 125);
    expect(goesBefore(stream(800, 1_000, 5_001, 6_000), 6_000)).to.equal(5_001 + 125);
    expect(goesBefore(stream(800, 1_000), 60)).to.equal(61);
  });

  it('is not made where the limit was set by hand', () => {
    const full = stream(1_000, 1_000);
    const byHand = { ...full, config: { ...full.config, metadata: {} } };
    expect(goesBefore(full, 1_000)).to.equal(1 + 300);
    expect(goesBefore(byHand, 1_000)).to.equal(undefined);
    expect(roomOf(byHand), 'but warned of').to.deep.equal({ bytes: 1_000, bytesMax: 1_000 });
  });

  it('is never made of what is not acknowledged', () => {
    expect(goesBefore(stream(1_000, 1_000), 0)).to.equal(undefined);
    expect(goesBefore(stream(1_000, 1_000, 500, 1_000), 499)).to.equal(undefined);
    fc.assert(
      fc.property(fc.nat(2_000), fc.nat(1_000), fc.nat(1_000), (bytes, first, floor) => {
        const before = goesBefore(stream(bytes, 1_000, first, first + 1_000), floor);
        if (before !== undefined) expect(before).to.be.within(first + 1, floor + 1);
      }),
    );
  });

  it('is warned of when it is nearly gone', () => {
    expect(roomWarning({ bytes: 89, bytesMax: 100 })).to.equal(undefined);
    expect(roomWarning({ bytes: 93e9, bytesMax: 100e9 })).to.contain('full to 93 % of 100GB');
  });

  describe('as it is kept', () => {
    const full = { ...stream(1_000, 1_000), created: 'first' };

    /** A NATS that says one floor after the other, and the last one again and again. */
    function fakeNats(floors: readonly number[], streams: readonly StreamInfo[] = [full]) {
      const asked = { streams: 0, floors: 0 };
      const purges: number[] = [];
      const answer = <T>(all: readonly T[], n: number) => all[Math.min(n, all.length - 1)] as T;
      let refusal: Error | undefined;
      const jsm = {
        streams: {
          info: () => Promise.resolve(answer(streams, asked.streams++)),
          purge: (_name: string, { seq }: { seq: number }) => {
            purges.push(seq);
            return refusal === undefined ? Promise.resolve({ purged: 1 }) : Promise.reject(refusal);
          },
        },
        consumers: {
          info: () =>
            Promise.resolve({ ack_floor: { stream_seq: answer(floors, asked.floors++) } }),
        },
      };
      const refuse = (error: Error) => {
        refusal = error;
      };
      return { nats: { jsm } as unknown as Nats, asked, purges, refuse };
    }

    async function looks(
      { nats, asked }: ReturnType<typeof fakeNats>,
      count: number,
      more: Partial<Parameters<typeof keepRoom>[0]> = {},
      config = full.config,
    ): Promise<void> {
      const log = silentLog;
      const room = keepRoom({ ...NOTHING_HELD, nats, log, everyMs: 1, ...more });
      room.follow(config);
      try {
        await eventually(
          () => {
            expect(asked.streams).to.be.at.least(count);
          },
          { withinMs: 5_000, everyMs: 1 },
        );
      } finally {
        room.stop();
      }
    }

    it('goes as far as was acknowledged a look before, and is so still', async () => {
      const growing = fakeNats([10, 20, 30]);
      await looks(growing, 4);
      expect(growing.purges.slice(0, 3)).to.deep.equal([11, 21, 31]);

      // Said once, and taken back.
      const wrong = fakeNats([10, 200, 10]);
      await looks(wrong, 5);
      expect(Math.max(...wrong.purges)).to.equal(11);
    });

    it('goes no further than what this process holds', async () => {
      const nats = fakeNats([100]);
      await looks(nats, 4, { firstHeld: () => 40 });
      expect(new Set(nats.purges)).to.deep.equal(new Set([40]));
      const first = fakeNats([100]);
      await looks(first, 4, { firstHeld: () => 1 });
      expect(first.purges).to.deep.equal([]);
    });

    it('goes no further than what is needed of what is acknowledged', async () => {
      const nats = fakeNats([100]);
      const asked: unknown[] = [];
      const firstNeeded = (floor: number) => {
        asked.push(floor);
        return Promise.resolve(60);
      };
      await looks(nats, 4, { firstNeeded });
      expect(new Set(nats.purges)).to.deep.equal(new Set([60]));
      expect(asked[0]).to.equal(100);
      // What nobody may let go anyway is not asked about.
      asked.length = 0;
      await looks(fakeNats([0]), 4, { firstNeeded });
      expect(asked).to.deep.equal([]);
    });

    it('goes by no floor of a stream of before', async () => {
      const others = ['a', 'b', 'c', 'd', 'e', 'f'].map((created) => ({ ...full, created }));
      const nats = fakeNats([100], others);
      await looks(nats, 5);
      expect(nats.asked.floors).to.be.at.least(4);
      expect(nats.purges).to.deep.equal([]);
    });

    it('asks nothing where the limit was set by hand', async () => {
      const nats = fakeNats([100]);
      const room = keepRoom({ ...NOTHING_HELD, ...nats, log: silentLog, everyMs: 1 });
      room.follow({ max_bytes: 1_000 });
      await new Promise((resolve) => setTimeout(resolve, 50));
      room.stop();
      expect(nats.asked).to.deep.equal({ streams: 0, floors: 0 });
    });

    it('is not made where nobody knows what is needed, and that is said', async () => {
      const warned: string[] = [];
      const warn = (_fields: unknown, text: string) => warned.push(text);
      const log = { ...{ debug: () => undefined }, warn } as unknown as Logger;
      const nats = fakeNats([100]);
      const firstNeeded = () => Promise.reject(new Error('not allowed'));
      await looks(nats, 6, { log, firstNeeded, now: () => 0 });
      expect(nats.purges).to.deep.equal([]);
      expect(warned).to.have.length(1);
      expect(warned[0]).to.contain('make consumers of EVENTS');
    });

    it('says that it cannot be made, and why, once in half a minute', async () => {
      const warned: { err: Error }[] = [];
      const log = {
        ...{ debug: () => undefined },
        warn: (fields: { err: Error }, text: string) => {
          expect(text).to.contain('$JS.API.STREAM.PURGE.EVENTS');
          warned.push(fields);
        },
      } as unknown as Logger;
      let at = 0;
      const nats = fakeNats([100]);
      nats.refuse(new Error('not allowed'));
      await looks(nats, 10, { log, now: () => at });
      expect(nats.purges).to.have.length.above(4);
      expect(warned.map(({ err }) => err.message)).to.deep.equal(['not allowed']);
      const now = () => (at += 30_000);
      await looks(nats, 20, { log, now });
      expect(warned).to.have.length.above(2);
    });
  });
});
