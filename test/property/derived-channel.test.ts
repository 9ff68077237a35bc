/** What is remembered of channels says what would be worked out, whatever the names. */
import { expect } from 'chai';
import fc from 'fast-check';
import { attributionOf } from '../../shared/channels/attribution.ts';
import { DEFAULT_SETTINGS, type ProjectSettings } from '../../shared/project.ts';
import { addDerived } from '../../workers/ingest/derive-fields.ts';

const NAMES = ['google', 'Google', 'newsletter', 'direct', 'x', 'x y', 'xy', 'y', '\n', 'tiktok'];
const name = fc.oneof(
  fc.constantFrom(...NAMES),
  fc.string({ minLength: 1, maxLength: 4 }),
  fc.constant('x'.repeat(400)),
);
const fields = fc.record(
  {
    trafficSource: name,
    medium: fc.oneof(fc.constantFrom('cpc', 'email', 'organic', '(none)'), name),
    campaign: fc.oneof(fc.constantFrom('shop', 'cross-network'), name),
    channel: fc.constantFrom('Email', 'Own'),
    path: fc.constant('/'),
    term: name,
  },
  { requiredKeys: [] },
);
const PROJECTS: readonly ProjectSettings[] = [
  DEFAULT_SETTINGS,
  { ...DEFAULT_SETTINGS, ownHosts: ['shop.example'] },
];

describe('the channel of an event', () => {
  it('is what follows from its names, the first time and every other', () => {
    fc.assert(
      fc.property(fc.array(fields, { minLength: 1, maxLength: 20 }), (events) => {
        for (const event of [...events, ...events]) {
          for (const project of PROJECTS) {
            const derived: Partial<Record<string, string>> = { ...event };
            addDerived(derived, undefined, project);
            const { trafficSource, medium } = event;
            const names = trafficSource !== undefined || medium !== undefined;
            const want = names ? attributionOf(event, project) : {};
            expect(derived).to.deep.equal({ ...want, ...event });
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
