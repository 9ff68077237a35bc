/** Whatever a file holds: events or faults, never a throw, and the same again for the same. */
import { expect } from 'chai';
import fc from 'fast-check';
import { FORMATS } from '../../imports/formats/index.ts';
import { isFault, type Tracked } from '../../trackers/event.ts';
import { readPosthog } from '../../trackers/posthog.ts';
import { readSegment } from '../../trackers/segment.ts';
import { readSnowplow } from '../../trackers/snowplow.ts';

/** Pieces that lines of the formats are made of, so that random lines come near to real ones. */
const piece = fc.oneof(
  fc.constantFrom(
    ...[
      '#Fields: ',
      '#Date: ',
      ' ',
      '\t',
      ',',
      '"',
      '""',
      '\\',
      '\\x',
      '[',
      ']',
      '{',
      '}',
      ':',
      '-',
    ],
    ...['01/Mar/2026:11:00:00 +0100', '2026-03-01 10:00:00', '1772359200123456', '198.51.100.7'],
    ...['GET / HTTP/1.1', '200', 'date time c-ip cs-method cs-uri-stem sc-status', 'session_id'],
    ...[
      'created_at',
      'event',
      'properties',
      'timestamp',
      '"type":"page"',
      '\r',
      '\ufeff',
      '%25',
      '%e4',
    ],
  ),
  fc.string({ unit: 'binary', maxLength: 8 }),
);
const line = fc.oneof(
  fc.uint8Array({ maxLength: 64 }),
  fc.array(piece, { maxLength: 12 }).map((pieces) => new Uint8Array(Buffer.from(pieces.join('')))),
  fc.json().map((text) => new Uint8Array(Buffer.from(text))),
);
const field = fc.constantFrom(
  ...[
    'event',
    'type',
    'properties',
    'context',
    'timestamp',
    'distinct_id',
    'anonymousId',
    'userId',
  ],
  ...[
    'event_name',
    'event_timestamp',
    'event_params',
    'user_pseudo_id',
    'device',
    'geo',
    'e',
    'cx',
  ],
  ...[
    'ue_pr',
    'co',
    'dtm',
    'sid',
    'actionDetails',
    'idVisit',
    'session_id',
    'created_at',
    '__proto__',
  ],
);
const leaf = fc.oneof(
  fc.constantFrom('page', 'track', '$pageview', 'page_view', 'ue', 'pv', '2026-03-01T10:00:00Z'),
  fc.constantFrom<unknown>(1772359200000, '1772359200123456', 7n, null, new Date(NaN), new Date(0)),
  fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true, maxDepth: 2 }),
);
const row = fc.dictionary(field, fc.oneof(leaf, fc.dictionary(field, leaf), fc.array(leaf)));

function check(tracked: Tracked): void {
  for (const one of tracked) {
    if (isFault(one)) expect(one.fault).to.be.a('string').and.not.empty;
    else {
      expect(one.event).to.have.property('eventType').that.is.a('string');
      expect(one.event['sessionId'] ?? one.visitor).to.be.a('string').and.not.empty;
      expect(one.event['timestamp']).to.satisfy(Number.isSafeInteger);
      // The border reads JSON.
      JSON.stringify(one.event);
    }
  }
}

describe('any line', () => {
  for (const format of FORMATS.filter(({ name }) => name !== 'sojourn')) {
    it(`of ${format.name} gives events or faults, and the same again`, () => {
      fc.assert(
        fc.property(fc.array(fc.oneof(line, row), { maxLength: 6 }), (records) => {
          const [once, again] = [1, 2].map(() => {
            const reader = format.open({ file: 'f', salt: 's' });
            const tracked = records.flatMap((data, index) =>
              reader.read({ line: index + 1, data }),
            );
            return [...tracked, ...(reader.end?.() ?? [])];
          });
          check(once ?? []);
          expect(again).to.deep.equal(once);
        }),
        { numRuns: 400 },
      );
    });
  }
});

describe('a line that goes on and on', () => {
  const PIECES = [
    ...[
      'a',
      ' ',
      '\t',
      ',',
      '"',
      '""',
      '\\',
      '\\x41',
      '[',
      '{',
      '{"a":',
      '[[',
      ':',
      '-',
      '%25',
      '%',
      '&utm_a',
      '?',
      '(',
    ],
    ...[
      '.css',
      '/',
      '://',
      '0',
      '1:',
      '::',
      '#Fields: a ',
      '2026-03-01 ',
      'GET / ',
      '" "',
      '\\"',
      '.',
    ],
  ];
  const FRONTS = [
    '',
    '1.1.1.1 - - [01/Mar/2026:11:00:00 +0100] "GET /',
    '#Fields: ',
    '{"event":"',
    'a,b\n"',
  ];

  for (const format of FORMATS) {
    // What took time with the square of the length would not end within the minute that a test has.
    it(`of ${format.name} is read in time with its length`, () => {
      for (const piece of PIECES) {
        for (const front of FRONTS) {
          const reader = format.open({ file: 'f', salt: 's' });
          const line = Buffer.from(front + piece.repeat(100_000 / piece.length));
          reader.read({ line: 1, data: line });
          reader.read({ line: 2, data: line });
        }
      }
    });
  }
});

describe('any object', () => {
  for (const [name, read] of [
    ['Segment', readSegment],
    ['PostHog', readPosthog],
    ['Snowplow', readSnowplow],
  ] as const) {
    it(`that ${name}'s tracker might send gives events or faults`, () => {
      fc.assert(
        fc.property(fc.oneof(row, leaf), (value) => {
          check(read(value, { sentAt: 1_000, receivedAt: 1_772_359_200_000 }));
        }),
        { numRuns: 500 },
      );
    });
  }
});
