import { expect } from 'chai';
import fc from 'fast-check';
import { openActor, receive } from '../../shared/actor.ts';
import { groupEvents, isBatch } from '../../shared/batch.ts';
import { anActor, anEvent, NOON_ISH, SETTINGS } from '../support/builders.ts';

describe('what is sent to a session by hand', () => {
  it('is a batch where ingest, of today or of old, could have sent it', () => {
    const full = anEvent({ key: 'k', userId: 'u', path: '/a', revenue: '-1.5', currency: 'EUR' });
    for (const batch of [
      { events: [], ackFloor: 0 },
      { events: [anEvent(), full], ackFloor: 7 },
      { groups: groupEvents([full, anEvent()]), ackFloor: 7, sentAt: NOON_ISH },
      { events: [anEvent({ revenue: `${'9'.repeat(18)}.${'9'.repeat(9)}` })], ackFloor: 0 },
    ]) {
      expect(isBatch(JSON.parse(JSON.stringify(batch))), JSON.stringify(batch)).to.equal(true);
    }
  });

  const event = anEvent();
  for (const oops of [
    undefined,
    null,
    [],
    'events',
    { oops: 1 },
    { events: [event] },
    { events: 'all', ackFloor: 0 },
    { events: [null], ackFloor: 0 },
    { events: [{ ...event, at: 1e99 }], ackFloor: 0 },
    { events: [{ ...event, at: -1 }], ackFloor: 0 },
    { events: [{ ...event, seq: '1' }], ackFloor: 0 },
    { events: [{ ...event, id: undefined }], ackFloor: 0 },
    { events: [{ ...event, path: {} }], ackFloor: 0 },
    { events: [{ ...event, revenue: 'much' }], ackFloor: 0 },
    { events: [event], ackFloor: 0, sentAt: 'now' },
    { groups: [{ events: [event] }], ackFloor: 0 },
    { groups: [{ all: { country: 1 }, events: [event] }], ackFloor: 0 },
    { groups: {}, ackFloor: 0 },
  ]) {
    it(`is none where it is ${JSON.stringify(oops)}`, () => {
      expect(isBatch(oops)).to.equal(false);
    });
  }

  it('is never taken for a batch that folding would choke on', () => {
    const almost = fc.oneof(
      fc.jsonValue(),
      fc.record(
        {
          ackFloor: fc.oneof(fc.nat(), fc.jsonValue()),
          events: fc.array(
            fc.record(
              {
                id: fc.oneof(fc.string(), fc.jsonValue()),
                type: fc.constantFrom('pageview', 'purchase', 'x', null),
                at: fc.oneof(fc.maxSafeNat(), fc.double()),
                seq: fc.oneof(fc.nat(), fc.jsonValue()),
                revenue: fc.oneof(fc.string(), fc.constantFrom('1', '-0.5', '1e5', '.5')),
              },
              { requiredKeys: ['id', 'type', 'at', 'seq'] },
            ),
          ),
        },
        { requiredKeys: ['ackFloor', 'events'] },
      ),
    );
    fc.assert(
      fc.property(almost, (value) => {
        if (!isBatch(value)) return;
        receive(anActor([anEvent()]), value, NOON_ISH);
        openActor(
          { project: 'shop', sessionId: 's', settings: SETTINGS, batch: value },
          'run',
          NOON_ISH,
        );
      }),
      { numRuns: 2_000 },
    );
  });
});
