import { expect } from 'chai';
import fc from 'fast-check';
import { eventSubject, eventTypeToken, subjectToken } from '../../operations/event-subject.ts';
import { parseEventSubject } from '../../shared/ids.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

describe('the subject of a published line', () => {
  it('ends with the event type', () => {
    expect(eventSubject('shop', bytes('{"eventType":"pageview"}'))).to.equal(
      'events.shop.pageview',
    );
  });

  it('replaces what NATS does not take in a token', () => {
    expect(eventTypeToken(bytes('{"eventType":"a b\\t.c*>\\u0000"}'))).to.equal('a_b__c___');
  });

  for (const [what, line] of Object.entries({
    'broken JSON': '{"eventType":"pageview"',
    'an array': '[{"eventType":"pageview"}]',
    'a text': '"pageview"',
    'no event type': '{"a":1}',
    'an empty event type': '{"eventType":""}',
    'a number as event type': '{"eventType":7}',
    'an event type of the prototype': '{"__proto__":{"eventType":"x"}}',
    nothing: '   ',
  })) {
    it(`ends with _ for ${what}`, () => {
      expect(eventTypeToken(bytes(line))).to.equal('_');
    });
  }

  it('skips what may stand before an object', () => {
    expect(eventTypeToken(bytes('\uFEFF \t{"eventType":"x"}\r'))).to.equal('x');
  });

  it('ends with _ or a token for bytes that are no UTF-8', () => {
    expect(eventTypeToken(Uint8Array.of(0xff, 0xfe))).to.equal('_');
  });

  it('stays below the line limit of NATS however long the event type is', () => {
    expect(subjectToken('x'.repeat(5_000))).to.have.length(64);
    expect(Buffer.byteLength(subjectToken('\u{1F600}'.repeat(5_000)))).to.equal(256);
  });

  it('is a valid subject of the project, whatever the event type', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (eventType) => {
        const subject = eventSubject('shop', bytes(JSON.stringify({ eventType })));
        expect(parseEventSubject(subject)).to.deep.equal({ project: 'shop', valid: true });
        expect(subject.split('.')).to.have.length(3);
        expect(subject).to.match(/^[^\s*>\p{Cc}]+[^.]$/u);
      }),
    );
  });
});
