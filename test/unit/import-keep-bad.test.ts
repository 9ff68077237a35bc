/** Records of an import that broke a rule, as dead letters: the same ones in every run. */
import { expect } from 'chai';
import fc from 'fast-check';
import { keepBad } from '../../imports/keep-bad.ts';
import type { BadRecord } from '../../imports/take-records.ts';

/** A DEADLETTERS that lets go what it has under the same name, within its window. */
function deadLetters() {
  const letters = new Map<string, string>();
  const js = {
    publish(_subject: string, data: Uint8Array, { msgID }: { readonly msgID: string }) {
      if (!letters.has(msgID)) letters.set(msgID, Buffer.from(data).toString());
      return Promise.resolve({});
    },
  };
  const keep = (records: readonly BadRecord[], id = 'an-import') => {
    async function* given() {
      for (const record of records) yield await Promise.resolve(record);
    }
    return keepBad({ js: js as never }, { project: 'shop', id }, given());
  };
  return { letters, keep };
}

const arbitraryBad: fc.Arbitrary<BadRecord> = fc.record({
  file: fc.constantFrom('a', 'b'),
  line: fc.integer({ min: 1, max: 9 }),
  reason: fc.constantFrom('message must be JSON', 'eventType is required'),
  data: fc.string({ maxLength: 3 }).map((text) => Buffer.from(text)),
  eventId: fc.constantFrom('', '1', '2'),
});
const textOf = ({ data, ...rest }: BadRecord) => JSON.stringify([rest, data.toString()]);

describe('records that break a rule, as dead letters', () => {
  it('are each there once, though a run that was killed had them in another order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(arbitraryBad, { selector: textOf, maxLength: 100 }).chain((records) =>
          fc.record({
            records: fc.constant(records),
            again: fc.shuffledSubarray(records, { minLength: records.length }),
            kept: fc.nat(records.length),
          }),
        ),
        async ({ records, again, kept }) => {
          const { letters, keep } = deadLetters();

          await keep(records.slice(0, kept));
          await keep(again);

          const data = (some: readonly BadRecord[]) =>
            some.map((record) => Buffer.from(record.data).toString()).sort();
          expect([...letters.values()].sort()).to.deep.equal(data(records));
        },
      ),
    );
  });

  it('are others of another import', async () => {
    const { letters, keep } = deadLetters();
    const bad = { file: 'a', line: 1, reason: 'bad', data: new Uint8Array(), eventId: '' };

    await keep([bad]);
    await keep([bad], 'another');

    expect(letters.size).to.equal(2);
  });
});
