import { expect } from 'chai';
import fc from 'fast-check';
import { continuation, noteAct, openActor, snapshotOf, takeOver } from '../../shared/actor.ts';
import { type Act, mergedActs, noteOf } from '../../shared/acts.ts';
import { takePage, turn, want } from '../../shared/exclusion.ts';
import { ACT_REASON_CHARS_MAX, ACT_WHO_CHARS_MAX, ACTS_KEPT_MAX } from '../../shared/limits.ts';
import { cases } from '../support/depth.ts';
import { anActor, anEvent } from '../support/builders.ts';

describe('what is said along with an act', () => {
  it('is who and why', () => {
    expect(noteOf({ by: 'anna@desk', reason: 'a load test' })).to.deep.equal({
      by: 'anna@desk',
      reason: 'a load test',
    });
  });

  it('may be missing, or be anything: anybody may signal a session by hand', () => {
    for (const given of [undefined, null, 'anna', 7, [], {}, { by: 7, reason: { x: 1 } }]) {
      expect(noteOf(given), JSON.stringify(given)).to.deep.equal({});
    }
    expect(noteOf({ by: ' \n ', reason: 'x', other: 'y' })).to.deep.equal({ reason: 'x' });
  });

  it('is one line that can be printed, whatever it was', () => {
    expect(noteOf({ by: 'an\u001b[31mna\r\n\u202eb', reason: '\ud800half' })).to.deep.equal({
      by: 'an [31mna b',
      reason: 'half',
    });
  });

  it('is nothing where nobody would see any of it', () => {
    const unseen = ['\u200b', '\u200c\u200d', '\u2060', '\u00ad', '\ufeff', '\u034f', '\ufe0f'];
    const blank = ['\u115f', '\u3164', '\uffa0', '\u2800', '\u180e', '\u{e0061}\u{e007f}'];
    for (const text of [...unseen, ...blank, [...unseen, ' ', ...blank].join('')]) {
      expect(noteOf({ by: text, reason: 'x' }), JSON.stringify(text)).to.deep.equal({
        reason: 'x',
      });
    }
  });

  it('has nothing in it that is not seen, but for what joins signs and scripts', () => {
    const by = (text: string) => noteOf({ by: text }).by;
    expect(by('an\u200bna\u2060\u00ad@de\ufeffsk')).to.equal('anna@desk');
    expect(by('\u200danna\u{e0062}\u{e0065}\u{e006e}\u200c ')).to.equal('anna');
    for (const whole of [
      'می\u200cخواهم', // Persian: without the joiner another word.
      'क्\u200dष',
      '👩\u200d💻 ❤\ufe0f',
      '\u0600١٢',
      'Zoe\u0308',
    ]) {
      expect(by(whole), whole).to.equal(whole);
    }
  });

  it('does not end with the space, or the joiner, that it was cut behind', () => {
    for (const joint of [' ', '\u200d']) {
      const by = `${'a'.repeat(ACT_WHO_CHARS_MAX - 1)}${joint}b`;
      expect(noteOf({ by }).by).to.equal('a'.repeat(ACT_WHO_CHARS_MAX - 1));
    }
  });

  it('is cut between characters, and the same when it is read again', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 700 }),
      fc.string({ unit: 'grapheme', maxLength: 700 }),
    );
    fc.assert(
      fc.property(text, text, (by, reason) => {
        const note = noteOf({ by, reason });
        expect(Array.from(note.by ?? '').length).to.be.at.most(ACT_WHO_CHARS_MAX);
        expect(Array.from(note.reason ?? '').length).to.be.at.most(ACT_REASON_CHARS_MAX);
        expect(noteOf(note)).to.deep.equal(note);
        expect(JSON.stringify(note)).to.not.match(/\\u/);
      }),
      { numRuns: cases(300) },
    );
  });
});

describe('acts', () => {
  const act = (at: number, by = 'anna'): Act => ({ act: 'exclude', at, by });

  it('are kept in the order of their times, each once, the latest of them', () => {
    const all = Array.from({ length: ACTS_KEPT_MAX + 2 }, (_, n) => act(n));

    expect(mergedActs(all.slice(3), all.slice(0, 5))).to.deep.equal(all.slice(2));
    expect(mergedActs([act(1)], [act(1, 'ben')])).to.deep.equal([act(1), act(1, 'ben')]);
  });

  it('are nothing in what a session leaves behind that nobody has asked for anything', () => {
    expect(JSON.stringify(snapshotOf(anActor([anEvent()])))).to.not.contain('acts');
  });

  it('are known to the run that goes on, and to one that finds a later snapshot', () => {
    const first = anActor([anEvent()]);
    noteAct(first, 'exclude', { by: 'anna' }, 1);
    const next = openActor(continuation(first, 2), 'run-1', 2);
    noteAct(next, 'end', { reason: 'a test' }, 2);
    noteAct(first, 'include', { by: 'ben', reason: 'a mistake' }, 3);

    takeOver(next, snapshotOf(first));

    expect(next.acts).to.deep.equal([
      { act: 'exclude', at: 1, by: 'anna' },
      { act: 'end', at: 2, reason: 'a test' },
      { act: 'include', at: 3, by: 'ben', reason: 'a mistake' },
    ]);
  });

  it('are noted of whoever says nothing as well, but for an end, which its reason tells', () => {
    const actor = anActor([anEvent()]);
    for (const act of ['exclude', 'include', 'end'] as const) noteAct(actor, act, undefined, 1);

    expect(actor.acts).to.deep.equal([
      { act: 'exclude', at: 1 },
      { act: 'include', at: 1 },
    ]);
  });

  it('say which was refused', () => {
    const actor = anActor([anEvent()]);
    noteAct(actor, 'include', {}, 1);
    want(actor, true);
    noteAct(actor, 'exclude', { by: 'anna' }, 2);
    noteAct(actor, 'end', { by: 'ben' }, 3);
    turn(actor, 'run-1');

    takePage(actor, { refused: 'its history is gone' });

    expect(actor.acts).to.deep.equal([
      { act: 'include', at: 1 },
      { act: 'exclude', at: 2, by: 'anna', refused: true },
      { act: 'end', at: 3, by: 'ben' },
    ]);
  });
});
