import type { StreamConfig } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { expect } from 'chai';
import { borderSettings, keepsRoom, placesSinceOf } from '../../platform/event-streams.ts';

const NOW = 1_772_366_400_000;
const MIB = 1024 * 1024;
const SERVER = { version: '2.15.0', payloadMax: 2 * MIB };

const events = (found?: Parameters<typeof borderSettings>[1], server = SERVER) =>
  borderSettings('EVENTS', found, server, { now: NOW });

describe('the settings of EVENTS and DEADLETTERS', () => {
  it('let EVENTS take what fits into a dead letter, also where the server takes 1 MiB only', () => {
    expect(events().max_msg_size).to.equal(MIB + 16 * 1024);
    expect(events(undefined, { ...SERVER, payloadMax: MIB }).max_msg_size).to.equal(MIB - 8 * 1024);
  });

  it('leave a smaller limit of an operator, and take back a larger one', () => {
    expect(events({ max_msg_size: 1_000 }).max_msg_size).to.equal(1_000);
    expect(events({ max_msg_size: 5 * MIB }).max_msg_size).to.equal(MIB + 16 * 1024);
    expect(events({ max_msg_size: -1 }).max_msg_size).to.equal(MIB + 16 * 1024);
  });

  it('make room in DEADLETTERS for whatever EVENTS takes', () => {
    const letters = (max_msg_size: number) =>
      borderSettings('DEADLETTERS', { max_msg_size }, SERVER);

    expect(letters(-1)).to.deep.equal({});
    expect(letters(1_000)).to.deep.equal({ max_msg_size: MIB + 24 * 1024 });
    expect(letters(2 * MIB)).to.deep.equal({});
  });

  it('keep no message ids, or as short as an older server can', () => {
    expect(events()).to.deep.include({
      duplicate_window: 0,
      sources: [{ name: 'DEADLETTERS', filter_subject: 'deadletters.=' }],
    });
    for (const version of ['2.11.4', '2.14.9']) {
      const older = events(undefined, { ...SERVER, version });
      expect(older.duplicate_window).to.equal(nanos(100));
      expect(older).not.to.have.property('sources');
    }
    expect(events(undefined, { ...SERVER, version: '3.0.0-beta' }).duplicate_window).to.equal(0);
  });

  it('tell from when on places identify: at once in a new stream, an hour after an upgrade, once for good', () => {
    expect(placesSinceOf(events())).to.equal(0);
    const upgraded = events({ metadata: { team: 'web' } });
    expect(placesSinceOf(upgraded)).to.equal(NOW + 3_600_000);
    expect(upgraded.metadata).to.include({ team: 'web' });
    expect(events({ metadata: upgraded.metadata ?? {} }).metadata).to.deep.equal(upgraded.metadata);
    expect(placesSinceOf({})).to.equal(Infinity);
  });

  it('tell whether room is kept: by a limit that EVENTS_MAX_BYTES has set, as long as it is that one', () => {
    const migrated = (bytesMax?: number, found: Partial<StreamConfig> = {}) => {
      const { metadata } = borderSettings('EVENTS', found, SERVER, { now: NOW, bytesMax });
      return {
        ...(metadata !== undefined && { metadata }),
        max_bytes: bytesMax ?? found.max_bytes ?? -1,
      };
    };
    const byHand = { max_bytes: 20 * MIB };
    expect(keepsRoom(byHand)).to.equal(false);
    expect(keepsRoom(migrated(undefined, byHand))).to.equal(false);

    const set = migrated(20 * MIB, byHand);
    expect(keepsRoom(set)).to.equal(true);
    expect(keepsRoom(migrated(undefined, set)), 'migrate without the setting').to.equal(true);
    expect(keepsRoom({ ...set, max_bytes: 30 * MIB }), 'another limit by hand').to.equal(false);
    expect(keepsRoom(migrated(undefined, { ...set, max_bytes: 30 * MIB }))).to.equal(false);
    expect(keepsRoom(migrated(-1, set)), 'unlimited').to.equal(false);
  });
});
