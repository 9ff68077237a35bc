import { expect } from 'chai';
import fc from 'fast-check';
import { WRITE_TRACES_MAX } from '../../shared/limits.ts';
import {
  createBundle,
  createPendingTraces,
  formatTraceparent,
  parseSampled,
  parseTraceparent,
  traceIdOf,
} from '../../shared/traces.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const DIGITS = Array.from('0123456789abcdef');
const GOOD = `00-${TRACE}-${SPAN}-01`;

/** A `traceparent` of the trace with this number. */
const numbered = (n: number, span = SPAN) =>
  `00-${(n + 1).toString(16).padStart(32, '0')}-${span}-01`;

describe('a traceparent', () => {
  it('is read as W3C has it', () => {
    expect(parseTraceparent(GOOD)).to.deep.equal({
      traceId: TRACE,
      spanId: SPAN,
      isSampled: true,
    });
    expect(parseTraceparent(`00-${TRACE}-${SPAN}-00`)?.isSampled).to.equal(false);
  });

  it('says by one bit of its flags whether it is sampled, whatever the others are', () => {
    for (const [flags, isSampled] of [
      ['02', false],
      ['03', true],
      ['fe', false],
      ['ff', true],
    ] as const) {
      expect(parseTraceparent(`00-${TRACE}-${SPAN}-${flags}`)?.isSampled, flags).to.equal(
        isSampled,
      );
    }
  });

  it('may be of a later version, with more behind a dash', () => {
    for (const later of [`01-${TRACE}-${SPAN}-01`, `cc-${TRACE}-${SPAN}-01-what-comes.then`]) {
      expect(parseTraceparent(later)?.traceId, later).to.equal(TRACE);
    }
  });

  it('is none with anything that W3C forbids', () => {
    const wrong = {
      empty: '',
      'version ff': `ff-${TRACE}-${SPAN}-01`,
      'more behind version 00': `${GOOD}-more`,
      'more of a later version without a dash': `01-${TRACE}-${SPAN}-01more`,
      'a trace id of zeros': `00-${'0'.repeat(32)}-${SPAN}-01`,
      'a parent id of zeros': `00-${TRACE}-${'0'.repeat(16)}-01`,
      'a trace id in upper case': `00-${TRACE.toUpperCase()}-${SPAN}-01`,
      'a parent id in upper case': `00-${TRACE}-${SPAN.toUpperCase()}-01`,
      'flags in upper case': `00-${TRACE}-${SPAN}-0A`,
      'a version in upper case': `0A-${TRACE}-${SPAN}-01`,
      'a short trace id': `00-${TRACE.slice(1)}-${SPAN}-01`,
      'a long parent id': `00-${TRACE}-${SPAN}0-01`,
      'no flags': `00-${TRACE}-${SPAN}`,
      'one digit of flags': `00-${TRACE}-${SPAN}-1`,
      'a letter that is no digit': `00-${TRACE.replace('4', 'g')}-${SPAN}-01`,
      'a space before': ` ${GOOD}`,
      'a line after': `${GOOD}\n`,
      'two at once': `${GOOD},${GOOD}`,
      'a very long later version': `01-${TRACE}-${SPAN}-01-${'x'.repeat(500)}`,
    };
    for (const [what, text] of Object.entries(wrong)) {
      expect(parseTraceparent(text), what).to.equal(undefined);
    }
  });

  it('is carried on where it is sampled, and written as it was read', () => {
    expect(parseSampled(`00-${TRACE}-${SPAN}-00`)).to.equal(undefined);
    const hex = (digits: number) =>
      fc
        .string({
          unit: fc.constantFrom(...DIGITS),
          minLength: digits,
          maxLength: digits,
        })
        .filter((text) => /[1-9a-f]/.test(text));
    fc.assert(
      fc.property(hex(32), hex(16), (traceId, spanId) => {
        const text = formatTraceparent({ traceId, spanId });
        expect(parseSampled(text)).to.deep.equal({ traceId, spanId });
        expect(traceIdOf(text)).to.equal(traceId);
      }),
    );
  });

  it('is read of any text without an error', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 80 }), (text) => {
        const parsed = parseTraceparent(text);
        if (parsed !== undefined) expect(text).to.include(parsed.traceId);
      }),
    );
  });
});

describe('traces that go together', () => {
  it('are the first of each trace, and the first so many traces; the rest is counted', () => {
    const { add, addLeft, bundle } = createBundle(2, traceIdOf);

    expect(bundle()).to.equal(undefined);
    for (const text of [numbered(1), numbered(1, 'ffffffffffffffff'), numbered(2)]) add(text);
    expect(bundle()).to.deep.equal({ of: [numbered(1), numbered(2)] });
    add(numbered(3));
    addLeft(4);
    expect(bundle()).to.deep.equal({ of: [numbered(1), numbered(2)], left: 5 });
  });

  it('never are more than the bound, in whatever portions they come', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.nat(30), { maxLength: 8 })), (portions) => {
        const pending = createPendingTraces();
        for (const [at, portion] of portions.entries()) {
          pending.take({ of: portion.map((n) => numbered(n)) }, at);
        }
        const { traces } = pending.give();
        const distinct = [...new Set(portions.flat())];

        expect(traces?.of.map(({ parent }) => parent) ?? []).to.deep.equal(
          distinct.slice(0, WRITE_TRACES_MAX).map((n) => numbered(n)),
        );
        expect(traces?.left === undefined).to.equal(distinct.length <= WRITE_TRACES_MAX);
      }),
    );
  });

  it('are given once, with the time at which the session took them up', () => {
    const pending = createPendingTraces();
    pending.take({ of: [numbered(1)] }, 5);
    pending.take({ of: [numbered(1), numbered(2)], left: 3 }, 7);

    expect(pending.give()).to.deep.equal({
      traces: {
        of: [
          { parent: numbered(1), at: 5 },
          { parent: numbered(2), at: 7 },
        ],
        left: 3,
      },
    });
    expect(pending.give()).to.deep.equal({});
    pending.take({ of: [numbered(1)] }, 9);
    pending.drop();
    expect(pending.give()).to.deep.equal({});
  });

  it('count as left only what a number says', () => {
    const pending = createPendingTraces();
    for (const left of [-1, 0, 1.5, Infinity, '7', null]) {
      pending.take({ of: [numbered(1)], left }, 1);
      expect(pending.give().traces, String(left)).to.deep.equal({
        of: [{ parent: numbered(1), at: 1 }],
      });
    }
  });

  it('are nothing where somebody signals what is none', () => {
    const pending = createPendingTraces();
    pending.take(undefined, 1);
    const many = Array.from({ length: 1_000 }, (_, n) => numbered(n));
    for (const sent of [
      ...[null, 'text', 7, [], {}, { of: 'text' }, { of: [7, null, {}, 'text'] }],
      { of: many },
      { of: [`00-${TRACE}-${SPAN}-00`, GOOD.toUpperCase(), `01-${TRACE}-${SPAN}-01-x`] },
      { of: [], left: -1 },
      { of: [], left: 'many' },
    ]) {
      pending.take(sent, 1);
      expect(pending.give(), JSON.stringify(sent).slice(0, 80)).to.deep.equal({});
    }
  });
});
