/** What is remembered of an event's names is what is worked out of them. */
import { expect } from 'chai';
import fc from 'fast-check';
import { attributionOf } from '../../shared/channels/attribution.ts';
import { DEFAULT_SETTINGS } from '../../shared/project.ts';
import { addDerived } from '../../workers/ingest/derive-fields.ts';

/** Few, so that they come again, and such as look like several. */
const name = fc.option(
  fc.constantFrom('google', 'cpc', 'email', 'a', 'a|b', '|', 'undefined', 'b|undefined', '(none)'),
  { nil: undefined },
);
const fields = fc.record({
  trafficSource: name,
  medium: name,
  channel: name,
  campaign: name,
  term: name,
  content: name,
  path: fc.constantFrom(undefined, '/a', '/b'),
});

describe('what follows from names', () => {
  it('is the same whether it was asked for before or not', () => {
    fc.assert(
      fc.property(fields, (given) => {
        const read = Object.fromEntries(
          Object.entries(given).filter(([, value]) => value !== undefined),
        );
        const expected = { ...attributionOf(read, DEFAULT_SETTINGS), ...read };

        const derived = { ...read };
        addDerived(derived, {}, DEFAULT_SETTINGS);

        if ('trafficSource' in read || 'medium' in read) expect(derived).to.deep.equal(expected);
        else expect(derived).to.deep.equal(read);
      }),
      { numRuns: 3_000 },
    );
  });
});
