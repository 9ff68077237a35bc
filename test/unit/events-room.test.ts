import type { StreamInfo } from '@nats-io/jetstream';
import { expect } from 'chai';
import fc from 'fast-check';
import { goesBefore, roomOf, roomWarning } from '../../platform/events-room.ts';

const stream = (bytes: number, bytesMax: number, first = 1, last = 1_000) =>
  ({
    config: { max_bytes: bytesMax, metadata: { 'sojourn-keeps-room': String(bytesMax) } },
    state: { bytes, first_seq: first, last_seq: last },
  }) as unknown as StreamInfo;

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
});
