/** An import goes on with another salt or host where its format makes nothing with them, and nowhere else. */
import { expect } from 'chai';
import { type FormatOptions, FORMATS, type ImportFormat } from '../../imports/formats/index.ts';
import { failWhereMadeOtherwise, hashesOf, madeWithOf } from '../../imports/made-with.ts';

type Made = Pick<FormatOptions, 'salt' | 'host'>;

const OURS: Made = { salt: 'salt', host: 'shop.example' };
const OTHER_SALT: Made = { salt: 'another', host: 'shop.example' };
const OTHER_HOST: Made = { salt: 'salt' };

/** A line of each that is an event, where a head is needed behind that. */
const LINES: Readonly<Record<string, readonly string[]>> = {
  combined: ['198.51.100.7 - - [01/Mar/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "A"'],
  w3c: [
    '#Fields: date time cs-method cs-uri-stem c-ip sc-status',
    '2026-03-01 10:00:00 GET / 198.51.100.7 200',
  ],
  umami: ['{"session_id":"d","created_at":"2026-03-01 10:00:00","event_type":1,"url_path":"/"}'],
};

function eventsOf(format: ImportFormat, made: Made): unknown {
  const reader = format.open({ file: 'f', ...made });
  const lines = LINES[format.name] ?? expect.fail(`there is no line of ${format.name}`);
  const events = lines.flatMap((line, n) => reader.read({ line: n + 1, data: Buffer.from(line) }));
  expect(events, format.name).to.have.lengthOf(1);
  return events;
}

/** @param begun what the plan was noted with */
function goesOn(format: ImportFormat, begun: Made, now: Made): boolean {
  const planned = { id: 'an-import', ...hashesOf(madeWithOf(format, begun)) };
  try {
    failWhereMadeOtherwise(planned, hashesOf(madeWithOf(format, now)));
    return true;
  } catch (error) {
    expect(error).to.include({ code: 'SJ_USAGE' });
    return false;
  }
}

describe('an import that goes on with another salt or host', () => {
  const formats = FORMATS.filter(({ refused }) => refused === undefined);

  for (const format of formats) {
    it(`of ${format.name} does so where its events are the same`, () => {
      for (const now of [OTHER_SALT, OTHER_HOST]) {
        // What takes no options makes nothing with them.
        const isSame =
          format.open.length === 0 ||
          JSON.stringify(eventsOf(format, OURS)) === JSON.stringify(eventsOf(format, now));
        expect(goesOn(format, OURS, now), JSON.stringify(now)).to.equal(isSame);
      }
      expect(goesOn(format, OURS, OURS)).to.equal(true);
    });
  }

  it('does so where an earlier version has begun it, and noted what its format makes nothing with', () => {
    const all = { usesSalt: true, usesHost: true } as const;
    const planned = { id: 'an-import', ...hashesOf(madeWithOf(all, OURS)) };

    for (const format of formats.filter(({ usesSalt }) => usesSalt !== true)) {
      const now = hashesOf(madeWithOf(format, OTHER_SALT));
      expect(() => {
        failWhereMadeOtherwise(planned, now);
      }, format.name).not.to.throw();
    }
    expect(() => {
      failWhereMadeOtherwise(planned, hashesOf(madeWithOf(all, OTHER_SALT)));
    }).to.throw('data directory');
    expect(() => {
      failWhereMadeOtherwise({ id: 'older' }, hashesOf(madeWithOf(all, OTHER_SALT)));
    }).not.to.throw();
  });
});
