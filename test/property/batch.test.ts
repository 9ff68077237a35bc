import { expect } from 'chai';
import fc from 'fast-check';
import { eventsOf, groupEvents } from '../../shared/batch.ts';
import { ATTRIBUTES, type VisitorEvent } from '../../shared/event.ts';

/** Few values, so that neighbours are often alike. */
const few = fc.option(fc.constantFrom('', 'a', 'b'), { nil: undefined, freq: 3 });
const events: fc.Arbitrary<VisitorEvent[]> = fc.array(
  fc
    .record({
      id: fc.string(),
      key: few,
      type: fc.constantFrom('pageview', 'session_end', 'purchase'),
      at: fc.integer(),
      seq: fc.nat(),
      path: few,
      revenue: fc.option(fc.constantFrom('1', '-0.5'), { nil: undefined }),
      ...Object.fromEntries(ATTRIBUTES.map((name) => [name, few])),
    })
    .map((fields) => {
      const given = Object.entries(fields).filter(([, value]) => value !== undefined);
      return Object.fromEntries(given) as unknown as VisitorEvent;
    }),
);

describe('events in groups', () => {
  it('come out as they went in, through JSON too', () => {
    fc.assert(
      fc.property(events, (sent) => {
        const groups = JSON.parse(JSON.stringify(groupEvents(sent))) as ReturnType<
          typeof groupEvents
        >;

        expect(eventsOf({ groups, ackFloor: 0 })).to.deep.equal(sent);
      }),
    );
  });

  it('say once what follows each other in common', () => {
    fc.assert(
      fc.property(events, (sent) => {
        const changes = sent.filter((event, n) => {
          const before = sent[n - 1];
          return before === undefined || ATTRIBUTES.some((name) => before[name] !== event[name]);
        });

        expect(groupEvents(sent)).to.have.length(changes.length);
      }),
    );
  });
});
