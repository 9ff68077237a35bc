import { expect } from 'chai';
import { jsonBytes } from '../../shared/balance.ts';
import { searchAttributesOf, summaryOf } from '../../shared/search-attributes.ts';
import { figuresOf } from '../../shared/session.ts';
import { anActor, anEvent } from '../support/builders.ts';

function attributesOf(userId: string) {
  const figures = figuresOf(anActor([anEvent({ userId })]).state);
  if (figures === undefined) throw new Error('no events');
  return searchAttributesOf('shop', figures);
}

describe('what operators search sessions by', () => {
  it('holds no character that a store of text refuses', () => {
    expect(attributesOf('a\u0000n\u001fn\u007f\u0085').SojournUser).to.equal(
      'a\uFFFDn\uFFFDn\uFFFD\uFFFD',
    );
    expect(attributesOf('\u0000').SojournUser).to.equal('\uFFFD');
  });

  it('is cut between two characters, never inside one', () => {
    expect(attributesOf('😀'.repeat(300)).SojournUser).to.equal('😀'.repeat(255));
    expect(attributesOf('漢'.repeat(255)).SojournUser).to.equal('漢'.repeat(255));
  });
});

describe('the summary of a session', () => {
  it('says project and session, and is no longer than the server takes', () => {
    expect(summaryOf('shop', 's-1')).to.equal('shop: session s-1');
    for (const char of ['a', '漢', '😀', '"']) {
      const summary = summaryOf('p'.repeat(64), char.repeat(128));
      expect(jsonBytes(summary)).to.be.within(140, 390);
      expect(summary.isWellFormed() || summary.endsWith('\ufffd')).to.equal(true);
    }
  });

  it('says what tells the session apart, where that is known', () => {
    const figures = (fields: Parameters<typeof anEvent>[0]) =>
      figuresOf(anActor([anEvent(fields)]).state);
    const known = { country: 'DE', deviceType: 'mobile', trafficSource: 'news', path: '/lamps' };

    expect(summaryOf('shop', 's-1', figures({ ...known, userId: 'ann' }))).to.equal(
      'shop: DE · mobile · news · /lamps · ann',
    );
    expect(summaryOf('shop', 's-1', figures({}))).to.equal('shop: session s-1');
    const long = figures({ ...known, trafficSource: '漢'.repeat(900), path: '/'.repeat(900) });
    expect(jsonBytes(summaryOf('p'.repeat(64), 's-1', long))).to.be.within(200, 390);
  });
});
